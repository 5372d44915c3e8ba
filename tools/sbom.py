#!/usr/bin/env python3
"""sbom.py OUT.spdx.json VERSION COMMIT BINARY…: an SPDX 2.3 document of what the binaries are made of and run with.

Libraries that are linked come from the binaries themselves (ldd), those that are compiled in from the list of build packages
(tools/packages): both with the version and the source of the Debian package that they are of.
"""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time


# Headers alone: nothing of them is linked, all of them is inside.
HEADER_ONLY = ["libcli11-dev", "libexpected-dev"]


def output(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout


def linked(binary):
    """Paths of the shared libraries that it asks for itself."""
    names = set(re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", binary)))
    found = {}
    for line in output("ldd", binary).splitlines():
        match = re.match(r"\s*(\S+) => (\S+)", line)
        if match and match[1] in names:
            found[match[1]] = match[2]
    return found


def package_of(path):
    for candidate in (os.path.realpath(path), path, path.replace("/lib/", "/usr/lib/", 1)):
        owner = output("dpkg-query", "-S", candidate).split(": ")[0].strip()
        if owner:
            return owner.split(":")[0]
    return None


def described(package):
    version, source, homepage = output("dpkg-query", "-W", "-f", "${Version}\\t${source:Package}\\t${Homepage}", package).split("\t")
    spdx_id = "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", package)
    return {
        "SPDXID": spdx_id, "name": package, "versionInfo": version, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
        "homepage": homepage or "NOASSERTION", "supplier": "Organization: Debian",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": f"pkg:deb/debian/{package}@{version}?distro=bookworm"}],
        "comment": f"Debian source package {source}",
    }


def main():
    out, version, commit, *binaries = sys.argv[1:]
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    own = "SPDXRef-ransomeye-dpi"
    packages, relations, files = {}, [], []
    for binary in binaries:
        digest = hashlib.sha256(pathlib.Path(binary).read_bytes()).hexdigest()
        file_id = "SPDXRef-File-" + re.sub(r"[^A-Za-z0-9.-]", "-", pathlib.Path(binary).name)
        files.append({"SPDXID": file_id, "fileName": pathlib.Path(binary).name, "fileTypes": ["BINARY"], "copyrightText": "NOASSERTION",
                      "licenseConcluded": "NOASSERTION", "licenseInfoInFiles": ["NOASSERTION"],
                      "checksums": [{"algorithm": "SHA256", "checksumValue": digest}]})
        relations.append((own, "CONTAINS", file_id))
        for name, path in sorted(linked(binary).items()):
            package = package_of(path)
            if package is None:
                sys.exit(f"sbom: {name} ({path}) is of no package")
            packages[package] = described(package)
            relations.append((file_id, "DYNAMIC_LINK", packages[package]["SPDXID"]))
    for package in HEADER_ONLY:
        packages[package] = described(package)
        relations.append((own, "STATIC_LINK", packages[package]["SPDXID"]))
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"ransomeye-dpi-{version}",
        "documentNamespace": f"https://ransomeye.example/spdx/ransomeye-dpi-{version}-{commit}",
        "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch)), "creators": ["Tool: ransomeye-dpi tools/sbom.py"]},
        "packages": [{"SPDXID": own, "name": "ransomeye-dpi", "versionInfo": version, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
                      "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION",
                      "sourceInfo": f"commit {commit}"}] + [packages[p] for p in sorted(packages)],
        "files": files,
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": own}]
        + [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in dict.fromkeys(relations)],
    }
    pathlib.Path(out).write_text(json.dumps(document, indent=1) + "\n")


main()

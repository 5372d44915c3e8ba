#!/usr/bin/env python3
"""The rules of the tree that no compiler checks. tidy.py [ROOT]: prints every breach, exits 1 when there is one.

tidy.py --self-test makes a bad tree and wants every rule to speak. The tables below are the rules; a change to them is a decision.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# A folder may include itself and what stands here (CMakeLists.txt builds in the same order).
MAY_INCLUDE = {
    "probe/base": set(),
    "probe/crypto": {"probe/base"},
    "capture": {"probe/base", "probe/crypto"},
    "dissectors": {"probe/base"},
    "probe/flow": {"probe/base", "probe/crypto", "dissectors"},
    "probe/stream": {"probe/base", "dissectors"},
    "probe/dns": {"probe/base", "dissectors", "probe/flow", "probe/stream"},
    "probe/metadata": {"probe/base", "probe/crypto", "dissectors", "probe/flow", "probe/stream"},
    "probe/classify": {"probe/base", "dissectors", "probe/flow"},
    "probe/envelope": {"probe/base", "probe/crypto"},
    "probe/event": {"probe/base", "probe/crypto", "dissectors", "probe/flow", "probe/dns", "probe/metadata", "probe/classify",
                    "probe/envelope"},
    "probe/service": {"probe/base", "dissectors", "probe/event"},
    "probe/spool": {"probe/base"},
    "probe/store": {"probe/base", "probe/crypto", "probe/envelope", "probe/spool"},
    "probe/export": {"probe/base", "probe/envelope", "probe/store"},
    "probe/report": {"probe/base", "probe/crypto", "probe/envelope", "probe/export", "probe/store"},
    "probe/audit": {"probe/base", "probe/crypto", "probe/envelope", "probe/store"},
    "probe/pipeline": {"probe/base", "probe/crypto", "dissectors", "probe/flow", "probe/stream", "probe/dns", "probe/metadata", "probe/classify",
                       "probe/envelope", "probe/event", "probe/spool", "probe/store"},
    # Recipes know the names of what the data path finds, never the path itself: the check replays through probe/app.
    "probe/spec": {"probe/base", "dissectors", "probe/flow", "probe/dns"},
}
ANYTHING = {"probe/app"}

# Headers of other people's libraries, and the files or folders that may see them.
FENCES = {
    r"pcap(/.*|\.h)": ["capture/"],
    r"rte_.*": ["capture/dpdk/"],
    r"ndpi_.*": ["probe/classify/"],
    r"libpq-fe\.h": ["probe/store/"],
    r"openssl/.*": ["probe/crypto/"],
    r"nghttp2/.*": ["probe/metadata/hpack.cpp"],
    r"librdkafka/.*": ["probe/store/kafka_sink.cpp"],
    r"fixbuf/.*": ["probe/export/ipfix.cpp"],
    r"toml\+\+/.*": ["probe/app/config.cpp", "probe/spec/recipe_parser.cpp"],
    r"CLI/.*": ["probe/app/main.cpp", "probe/app/command_help.cpp", "probe/app/command_help.h", "probe/app/manual.cpp",
               "probe/app/manual.h"],
    r"microhttpd\.h": ["probe/service/metrics_server.cpp"],
    r"seccomp\.h": ["probe/service/syscall_filter.cpp"],
    r"cap-ng\.h": ["probe/service/privileges.cpp"],
    r"linux/landlock\.h": ["probe/service/landlock.cpp"],
    r"bzlib\.h|lz4frame\.h|lzma\.h": ["capture/codec/"],
    r"zlib\.h|zstd\.h": ["capture/codec/", "probe/spool/", "probe/store/"],
    r"nlohmann/.*": [],
    r"fmt/.*": ["probe/app/", "probe/crypto/", "probe/envelope/", "probe/store/", "probe/export/", "probe/report/", "probe/audit/", "probe/spool/", "probe/service/", "probe/spec/", "capture/"],
}

# Calls that product code doesn't make, and the files that must.
BANNED = {
    r"system_clock::now": ["probe/base/time.cpp", "probe/app/"],
    r"\bgettimeofday\b": [],
    r"\bs?rand\(": [],
    r"\busleep\b|\bsleep_for\b": ["probe/app/"],
    r"\bthrow\s": [],
    r"\breinterpret_cast\b": ["probe/base/bytes.h", "capture/bpf_filter.cpp", "probe/store/postgres.cpp"],
}

LINES_MAX = 600
PROSE_COLUMNS_MAX = 100
BINARY_BYTES_MAX = 64 << 10
TIDY_OFF = ["readability-braces-around-statements", "cert-err33-c"]
PRODUCT = ("capture/", "dissectors/", "probe/")
CODE = (".h", ".cpp")


def folder_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "probe" else parts[0]


def allowed(path, places):
    return any(path == p or (p.endswith("/") and path.startswith(p)) for p in places)


def without_comments(line):
    return re.sub(r'"(\\.|[^"\\])*"', '""', line.split("//")[0])


def check_product_file(path, text):
    folder = folder_of(path)
    if folder not in MAY_INCLUDE and folder not in ANYTHING:
        yield f"{path}: folder {folder} is in no table of tests/tidy/tidy.py"
    if text.count("\n") > LINES_MAX:
        yield f"{path}: more than {LINES_MAX} lines"
    for number, line in enumerate(text.split("\n"), 1):
        own = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        other = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
        if own and folder in MAY_INCLUDE:
            used = folder_of(own[1])
            if "/" in own[1] and used != folder and used not in MAY_INCLUDE[folder]:
                yield f"{path}:{number}: {folder} may not include {used}"
        if other:
            for pattern, places in FENCES.items():
                if re.fullmatch(pattern, other[1]) and not allowed(path, places):
                    yield f"{path}:{number}: <{other[1]}> is fenced to {', '.join(places) or 'the tests'}"
        code = without_comments(line)
        for pattern, places in BANNED.items():
            if re.search(pattern, code) and not allowed(path, places):
                yield f"{path}:{number}: banned: {line.strip()}"


def check_names(root, files):
    """Two types of one name in one namespace make an undefined program that links: the linker keeps one of the two destructors."""
    places = {}
    for path in files:
        if not path.endswith(".h") or not path.startswith(PRODUCT):
            continue
        space = ""
        for line in (root / path).read_text(errors="replace").split("\n"):
            opened = re.match(r"namespace ([\w:]+) \{", line)
            space = opened[1] if opened else space
            defined = re.match(r"(?:class|struct|enum class|enum) (\w+)\b[^;]*\{", line)
            if defined:
                places.setdefault((space, defined[1]), []).append(path)
    for (space, name), paths in sorted(places.items()):
        if len(paths) > 1:
            yield f"{paths[1]}: {space}::{name} is defined in {paths[0]} too"


def check_sources_listed(root, files):
    """Every .cpp stands in the nearest CMakeLists.txt above it, once."""
    for path in files:
        if not path.endswith(".cpp"):
            continue
        places = []
        for above in (root / path).parents:
            lists = above / "CMakeLists.txt"
            if lists.is_file():
                name = str((root / path).relative_to(above))
                text = re.sub(r"#.*", "", lists.read_text())
                places += [lists] * len(re.findall(r"(?<![\w./-])" + re.escape(name) + r"(?![\w./-])", text))
            if above == root:
                break
        if path == "tests/fuzz/replay_main.cpp":
            continue  # in every target, from cmake/dpi_targets.cmake
        if len(places) != 1:
            yield f"{path}: in {len(places)} places of CMakeLists.txt, not in one"


def check_binaries(root, files):
    for path in files:
        file = root / path
        if file.is_file() and file.stat().st_size > BINARY_BYTES_MAX and b"\0" in file.read_bytes()[:8192]:
            yield f"{path}: a binary of more than {BINARY_BYTES_MAX} bytes"


def check_format(root, files):
    tool = shutil.which("clang-format")
    version = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout if tool else ""
    if not re.search(r"version 14\.", version):
        print("skipped: formatting (clang-format 14 is not here)")
        return
    code = [f for f in files if f.endswith(CODE)]
    for start in range(0, len(code), 50):
        run = subprocess.run([tool, "--dry-run", *code[start:start + 50]], cwd=root, capture_output=True, text=True)
        for path in sorted(set(re.findall(r"^(\S+?):\d+:\d+: warning: code should be clang-formatted", run.stderr, re.M))):
            yield f"{path}: not formatted"


def check_prose(root, files):
    """Documents are read side by side with code: lines of at most 100 columns, but for tables and what is shown as it is."""
    for path in files:
        if not path.endswith(".md"):
            continue
        shown = False
        for number, line in enumerate((root / path).read_text(errors="replace").splitlines(), 1):
            shown ^= line.lstrip().startswith("```")
            if len(line) > PROSE_COLUMNS_MAX and not shown and not line.startswith("|"):
                yield f"{path}:{number}: longer than {PROSE_COLUMNS_MAX} columns"


def check_linter(root):
    settings = root / ".clang-tidy"
    text = settings.read_text() if settings.is_file() else ""
    if "WarningsAsErrors: '*'" not in text:
        yield ".clang-tidy: warnings are not errors"
    for check in TIDY_OFF:
        if "-" + check not in text:
            yield f".clang-tidy: {check} is not off"


def tracked(root):
    run = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True)
    if run.returncode == 0:
        return sorted(f for f in run.stdout.split("\0") if f and (root / f).is_file())
    return sorted(str(f.relative_to(root)) for f in root.rglob("*") if f.is_file())


def breaches(root):
    files = tracked(root)
    code = [f for f in files if f.endswith(CODE) and f.startswith(PRODUCT)]
    for path in code:
        yield from check_product_file(path, (root / path).read_text(errors="replace"))
    yield from check_names(root, files)
    yield from check_sources_listed(root, files)
    yield from check_binaries(root, files)
    yield from check_format(root, files)
    yield from check_linter(root)
    yield from check_prose(root, files)


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        bad = {
            "probe/base/bad.cpp": '#include "probe/flow/flow.h"\n#include <ndpi_api.h>\nvoid f() { throw  1; }\nint x = rand();\n',
            "probe/base/late.cpp": "auto t = std::chrono::system_clock::now();\nint   badly=formatted ;\n// throw rand( in a comment is fine\n",
            "probe/new/file.h": "#pragma once\n",
            "probe/base/CMakeLists.txt": "add_library(x bad.cpp bad.cpp)\n",
            "probe/base/one.h": "namespace dpi {\nclass Twice {};\nnamespace other {\nstruct Once {};\n}\n}\n",
            "probe/flow/two.h": "namespace dpi {\nstruct Twice {\n};\nstruct Once;\nstruct Once {};\n}\n",
            "capture/long.h": "\n" * (LINES_MAX + 1),
            ".clang-format": "BasedOnStyle: Google\n",
            ".clang-tidy": "Checks: '*'\n",
            "docs/wide.md": "x" * 101 + "\n|" + "x" * 101 + "|\n```\n" + "x" * 101 + "\n```\n",
        }
        for name, text in bad.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        (root / "blob.bin").write_bytes(bytes(BINARY_BYTES_MAX + 1))
        found = list(breaches(root))
    wanted = ["may not include probe/flow", "<ndpi_api.h> is fenced", "bad.cpp:3: banned", "bad.cpp:4: banned", "late.cpp:1: banned",
              "folder probe/new is in no table", "bad.cpp: in 2 places", "late.cpp: in 0 places", "long.h: more than",
              "blob.bin: a binary", "two.h: dpi::Twice is defined in probe/base/one.h too", "warnings are not errors", "cert-err33-c is not off", "docs/wide.md:1: longer"]
    missing = [w for w in wanted if not any(w in f for f in found)]
    wrong = [f for f in found if "late.cpp:3" in f or "Once" in f or re.search(r"wide.md:[2-9]", f)]
    for text in missing + wrong:
        print("self-test:", text)
    print(f"self-test: {len(found)} breaches found in a bad tree")
    return 1 if missing or wrong else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
    found = list(breaches(root))
    for text in found:
        print(text)
    print(f"{len(found)} breaches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

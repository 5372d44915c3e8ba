#include <array>

#include "probe/app/command_help.h"

namespace dpi {
namespace {

// Two for each command; a test goes through all of them.
constexpr auto examples = std::to_array<CommandExample>({
    {"", "replay capture.pcap --out jsonl:run.jsonl", "a capture becomes events"},
    {"", "run -c /etc/ransomeye/dpi/mirror.toml --out postgres", "the sensor"},
    {"replay", "day.pcapng.xz --out jsonl:day.jsonl --out eve:eve.json",
     "one capture to a file, and to one for who reads Suricata's"},
    {"replay", "captures/ --out postgres:service=ransomeye", "a folder into the database"},
    {"run", "-i eth1 -c mirror.toml --out postgres", "from one interface into the database"},
    {"run", "-i tap0 -i tap1 -c tap.toml --out spool", "both legs of a tap, without a database"},
    {"verify", "run.jsonl --trust probe.pem", "one file, against a key that is known"},
    {"verify", "postgres:service=ransomeye", "every chain of a database"},
    {"diff", "before.jsonl after.jsonl", "what an update changed"},
    {"diff", "before.jsonl after.jsonl --json", "the same for a program"},
    {"packets", "day.pcap --community-id 1:wCb3OG7yAFWelaUydu0D+125CLM= -w flow.pcapng",
     "one flow"},
    {"packets", "captures/ --events day.jsonl --event 4711 -w event.pcapng",
     "what an event was made of"},
    {"keys", "generate mirror.pem", "a new key"},
    {"keys", "request mirror.pem > mirror.json", "what `keys enrol --request` needs of it"},
    {"keys generate", "/etc/ransomeye/keys/mirror.pem", "where the service looks for it"},
    {"keys generate", "analyst.pem", "to sign replays with"},
    {"keys show", "mirror.pem", "its id"},
    {"keys show", "mirror.pem --public > mirror.pub.pem", "for those who verify"},
    {"keys request", "mirror.pem > mirror.json", "on the sensor; holds no secret"},
    {"keys request", "mirror.pem --role probe7 --tenant site2",
     "with what the database should say"},
    {"keys enrol", "mirror.pem --role probe1 -d service=enrol", "this machine, with its key"},
    {"keys enrol", "--request a.json --request b.json --role probe1 -d service=enrol",
     "others, from what they asked for"},
    {"keys rotate", "/etc/ransomeye/keys/mirror.pem",
     "its chain goes on under it at the next start"},
    {"keys rotate",
     "mirror.pem --finish /var/lib/ransomeye-dpi/mirror/ransomeye-dpi/spool/UUID > rotated.json",
     "then, for `keys enrol --request`"},
    {"keys revoke", "UUID KEY_ID --from 4711 --reason \"left the company\" -d service=enrol",
     "what it signs from there on proves nothing"},
    {"keys revoke",
     "UUID KEY_ID --from 4711 --compromised --retire --reason stolen -d service=enrol",
     "and the chain ends"},
    {"config", "check --deep mirror.toml", "what `run` would refuse"},
    {"config", "show -c mirror.toml", "what is in force"},
    {"config check", "mirror.toml", "keys and values"},
    {"config check", "--deep mirror.toml --out postgres",
     "also interfaces, key, database, disk, processors"},
    {"config show", "", "every key with its default"},
    {"config show", "-c mirror.toml --set flow.active_s=60", "with a file and an override"},
    {"schema", "plan -d service=admin", "what `apply` would do"},
    {"schema", "check -d service=admin", "is it the right one, object by object?"},
    {"schema hash", "", "of this probe's bundle"},
    {"schema hash", "| diff - expected", "against one that was noted"},
    {"schema plan", "-d service=admin", "before an upgrade"},
    {"schema plan", "-d \"host=/run/postgresql dbname=ransomeye\"", "over the local socket"},
    {"schema apply", "-d service=admin", "make it, or migrate it"},
    {"schema apply", "-d \"host=/run/postgresql dbname=ransomeye\"", "over the local socket"},
    {"schema check", "-d service=admin", "as superuser: every object"},
    {"schema check", "-d service=probe", "as anybody else: the version"},
    {"spec", "check", "all recipes of pcaps-spec"},
    {"spec", "build pcaps-spec/demo.toml --to /tmp", "a capture to try things with"},
    {"spec build", "pcaps-spec/demo.toml --to /tmp", "/tmp/demo.pcap"},
    {"spec build", "--to captures", "all of them"},
    {"spec check", "pcaps-spec/dns", "one folder"},
    {"spec check", "mine.toml --outcome", "what came of it, to be copied into the recipe"},
    {"spool", "check /var/lib/ransomeye/dpi/mirror/spool", "is it sound?"},
    {"spool", "ship /mnt/old-disk/spool -d service=ransomeye", "what a lost machine left"},
    {"spool check", "/var/lib/ransomeye/dpi/mirror/spool", "is it sound?"},
    {"spool check", "/mnt/old-disk/spool", "a copy"},
    {"spool ship", "/mnt/old-disk/spool -d service=ransomeye", "what a lost machine left"},
    {"spool ship", "--fill-gaps found/ -d service=ransomeye", "what was declared lost, and found"},
    {"spool salvage", "spool/ --to sound/", "what is whole, in a new one"},
    {"spool salvage", "spool/quarantine backup/spool --to sound/", "from several copies"},
    {"spool set-aside", "/var/lib/ransomeye/dpi/mirror/spool", "the sensor starts with a new one"},
    {"spool set-aside", "spool/", "what was there is renamed, not deleted"},
    {"status", "-d service=soc --problems", "only what is not well"},
    {"status", "-d service=soc --check", "for Nagios, Icinga, Naemon"},
    {"interfaces", "", "a table and what to do about it"},
    {"interfaces", "--json", "for a program"},
    {"setup", "--dry-run mirror -i eth1", "what would be done"},
    {"setup", "mirror -i eth1 -d \"host=/run/postgresql dbname=ransomeye\"",
     "a sensor and its database on one machine"},
});

}  // namespace

std::vector<CommandExample> examples_of(std::string_view command) {
  std::vector<CommandExample> out;
  for (const CommandExample& example : examples) {
    if (example.command == command) out.push_back(example);
  }
  return out;
}

}  // namespace dpi

// The command line: what each subcommand takes, and nothing of what it does.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <functional>
#include <new>
#include <optional>
#include <string_view>

#include "probe/app/command_help.h"
#include "probe/app/config.h"
#include "probe/app/config_check.h"
#include "probe/app/diff.h"
#include "probe/app/enrol_request.h"
#include "probe/app/interfaces.h"
#include "probe/app/keys.h"
#include "probe/app/keys_revoke.h"
#include "probe/app/keys_rotate.h"
#include "probe/app/manual.h"
#include "probe/app/output_kind.h"
#include "probe/app/packets.h"
#include "probe/app/replay.h"
#include "probe/app/report.h"
#include "probe/app/run.h"
#include "probe/app/schema.h"
#include "probe/app/setup.h"
#include "probe/app/spec.h"
#include "probe/app/spool_command.h"
#include "probe/app/status.h"
#include "probe/app/verify.h"
#include "probe/app/version_text.h"

namespace dpi {
namespace {

struct Common {
  std::string config;
  std::vector<std::string> settings;

  void add_to(CLI::App& command) {
    command.add_option("-c,--config", config, "configuration file (TOML)");
    command.add_option("--set", settings, "override one key: section.key=value")
        ->take_all()
        ->expected(1);
  }
};

// "max", "realtime" or "xN".
std::string parse_speed(const std::string& text, double& speed) {
  if (text == "max") {
    speed = 0;
    return "";
  }
  if (text == "realtime") {
    speed = 1;
    return "";
  }
  char* end = nullptr;
  speed = text.starts_with("x") ? std::strtod(text.c_str() + 1, &end) : 0;
  if (end == nullptr || *end != '\0' || !(speed > 0))
    return "must be max, realtime or xN with N > 0";
  return "";
}

class CommandLine {
 public:
  CommandLine() {
    app_.set_version_flag("--version", version_text);
    app_.require_subcommand(1);
    add_replay();
    add_run();
    add_verify();
    add_keys();
    add_config();
    add_schema();
    add_spec();
    add_spool();
    add_status();
    add_interfaces();
    add_diff();
    add_packets();
    add_setup();
    add_manual();
    add_examples(app_);
  }

  int run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::Success& e) {
      return app_.exit(e) == 0 ? exit_done : exit_usage;
    } catch (const CLI::ParseError& e) {
      say_parse_error(app_, {argv + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)}, e);
      return exit_usage;
    }
    return action_();
  }

 private:
  // The command's action, when it is the one that was given.
  void on(CLI::App* command, std::function<int()> action) {
    command->callback([this, action = std::move(action)] { action_ = action; });
  }
  template <class Action>
  int with_config(Action action) {
    const auto config = load_config(common_.config, common_.settings);
    if (!config) return report(config.error());
    return action(*config);
  }

  void add_database(CLI::App& command) {
    command.add_option("-d,--database", conninfo_,
                       "libpq connection string; else database.conninfo");
    common_.add_to(command);
  }
  template <class Action>
  int with_database(Action action) {
    return with_config([&](const Config& config) {
      return action(conninfo_.empty() ? config.database_conninfo : conninfo_);
    });
  }

  void add_replay() {
    CLI::App* c = app_.add_subcommand("replay", "captures through the whole pipeline");
    c->add_option("files,-r,--read", replay_.captures,
                  "pcap or pcapng files, folders, - for standard input")
        ->required();
    c->add_option("-o,--out", replay_.outputs, output_usage(OutputUse::replay) + "; repeatable")
        ->expected(1)
        ->take_all();
    c->add_option("-f,--filter", replay_.filter, "capture filter in libpcap's language");
    c->add_option("--key", replay_.key, "sign with this key as this machine (PKCS#8 PEM)");
    c->add_option("--report", replay_.report,
                  "write an HTML page about what was found and proved to this file");
    c->add_option("--speed", speed_, "max, realtime or xN")
        ->default_str("max")
        ->check([this](const std::string& text) { return parse_speed(text, replay_.speed); });
    c->add_option("--loop", replay_.loop, "replay the captures this many times")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000}));
    c->add_flag("--merge", replay_.merge,
                "the files are one capture: in order of their first packets, flows span them");
    c->add_option("--workers", replay_.workers,
                  "threads that track and classify; never changes the result")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{lane_count}));
    c->add_option("--batch", replay_.batch_packets,
                  "packets handed over at once; never changes the result")
        ->check(CLI::Range(1, 65'536));
    common_.add_to(*c);
    const CLI::Option* const summary =
        c->add_flag("--summary,!--no-summary", replay_.summary,
                    "say at the end what was found; the default on a terminal");
    on(c, [this, summary] {
      replay_.progress = ::isatty(STDERR_FILENO) == 1;
      if (summary->empty()) replay_.summary = replay_.progress;
      return with_config([this](const Config& config) { return run_replay(config, replay_); });
    });
  }

  void add_run() {
    CLI::App* c = app_.add_subcommand("run", "the sensor: captures until it is told to stop");
    c->add_option("-i,--interface", run_.interfaces, "capture from this interface; repeatable")
        ->expected(1)
        ->take_all();
    c->add_option("--dpdk", run_.dpdk, "capture through DPDK: its EAL arguments");
    c->add_option("-o,--out", run_.outputs, output_usage(OutputUse::live) + "; repeatable")
        ->expected(1)
        ->take_all();
    c->add_option("-f,--filter", run_.filter, "capture filter in libpcap's language");
    c->add_option("--key", run_.key, "sign with this key (PKCS#8 PEM)");
    c->add_flag("--no-sandbox", run_.no_sandbox, "keep all rights, as service.sandbox = false");
    c->add_option("--workers", run_.workers, "threads that track and classify")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{lane_count}));
    common_.add_to(*c);
    on(c, [this] {
      run_.config_path = common_.config;
      run_.read_config = [this] { return load_config(common_.config, common_.settings); };
      return with_config([this](const Config& config) { return run_sensor(config, run_); });
    });
  }

  void add_verify() {
    CLI::App* c =
        app_.add_subcommand("verify", "walk a chain and say intact, or what is wrong and where");
    c->add_option("source", verify_.source,
                  "JSON lines file, - or spool folder, or postgres[:CONNINFO]")
        ->required();
    c->add_option("--instance", verify_.instance,
                  "this chain of a database; all of them without it");
    auto* const from =
        c->add_option("--from", verify_.from,
                      "from this sequence on: rows of a database, or a file that begins there");
    auto* const to = c->add_option("--to", verify_.to, "rows of a database up to this sequence")
                         ->needs("--instance");
    auto* const day =
        c->add_option("--day", verify_.day, "rows of a database that came on this UTC day");
    auto* const rows_only = c->add_flag("--rows-only", verify_.rows_only,
                                        "rows and ledgers of a database, not its chains");
    c->add_flag("--chain-only", verify_.chain_only,
                "chains and ledgers of a database, not its rows")
        ->excludes(from)
        ->excludes(to)
        ->excludes(day)
        ->excludes(rows_only);
    c->add_flag("--no-schema", verify_.no_schema,
                "do not compare a database's functions, views, triggers and rights");
    c->add_option("--reference", verify_.reference,
                  "conninfo of a server of your own to make the bundle in, for that comparison");
    c->add_option("--trust", verify_.trust, "public keys (PEM) that may have signed");
    c->add_option("--revoked", verify_.revoked,
                  "KEY_ID:SEQ, a key that proves nothing from that sequence on; repeatable")
        ->expected(1)
        ->take_all();
    c->add_option("--against", verify_.against,
                  "a checkpoint kept elsewhere that the chain must contain");
    c->add_option("--prove", verify_.prove,
                  "sequence or event_id: write that event and its proof, to be handed over");
    c->add_option("--prove-to", verify_.prove_to, "the folder for them, the current one by default")
        ->needs("--prove");
    c->add_option("--proof", verify_.proof, "source is one event: check it against this proof")
        ->excludes("--prove")
        ->excludes("--against")
        ->excludes("--instance")
        ->needs("--trust");
    on(c, [this] { return run_verify(verify_); });
  }

  void add_keys() {
    CLI::App* c = app_.add_subcommand("keys", "the signing key");
    c->require_subcommand(1);
    CLI::App* generate = c->add_subcommand("generate", "a new key; prints its id");
    generate->add_option("file", key_file_, "where to write it")->required();
    on(generate, [this] { return run_keys_generate(key_file_); });
    CLI::App* show = c->add_subcommand("show", "its id and public half");
    show->add_option("file", key_file_, "the key")->required();
    show->add_flag("--public", key_public_, "print the public key as PEM");
    on(show, [this] { return run_keys_show(key_file_, key_public_); });
    CLI::App* request =
        c->add_subcommand("request", "what another machine needs to enrol this one; no secret");
    request->add_option("file", key_file_, "the key")->required();
    request->add_option("--role", enrol_.db_role, "database login that the probe will use");
    request->add_option("--tenant", enrol_.tenant, "short name of its tenant");
    on(request, [this] { return run_keys_request(key_file_, enrol_.db_role, enrol_.tenant); });
    add_enrol(*c);
    add_rotate(*c);
    add_revoke(*c);
  }

  void add_rotate(CLI::App& keys) {
    CLI::App* c =
        keys.add_subcommand("rotate", "a new key for a chain that goes on; prints its id");
    c->add_option("file", rotate_.key, "the key of this sensor")->required();
    c->add_option("--finish", rotate_.finish_spool,
                  "the spool of the chain, once it goes on under the new key: print what the "
                  "database has to know, and remove the old key");
    on(c, [this] { return run_keys_rotate(rotate_); });
  }

  void add_revoke(CLI::App& keys) {
    CLI::App* c =
        keys.add_subcommand("revoke", "tell the database that a key proves nothing any more");
    c->add_option("instance", revoke_.instance, "whose key it is")->required();
    c->add_option("key_id", revoke_.key_id, "its id, as `keys show` prints it")->required();
    c->add_option("--from", revoke_.from, "the first sequence that it proves nothing of")
        ->required();
    c->add_option("--reason", revoke_.reason, "why, for who reads the registry")->required();
    c->add_flag("--compromised", revoke_.compromised, "somebody else may have held it");
    c->add_flag("--retire", revoke_.retire,
                "end the chain too: the database takes no further event of it");
    add_database(*c);
    on(c, [this] {
      return with_database([this](const std::string& conninfo) {
        revoke_.conninfo = conninfo;
        return run_keys_revoke(revoke_);
      });
    });
  }

  void add_enrol(CLI::App& keys) {
    CLI::App* c = keys.add_subcommand(
        "enrol", "register this machine's probe and its key, or others'; prints the instance");
    c->add_option("file", enrol_.key, "the key of this machine");
    c->add_option("--request", enrol_.requests,
                  "what `keys request` or `keys rotate` wrote elsewhere; repeatable")
        ->expected(1)
        ->take_all();
    c->add_option("--role", enrol_.db_role, "database login that the probe uses");
    c->add_option("--instance", enrol_.instance, "an instance enrolled before; else a new one");
    c->add_option("--beside", enrol_.beside,
                  "an active instance of this machine: enrol another one beside it");
    c->add_option("--tenant", enrol_.tenant, "short name of its tenant; else \"default\"");
    add_database(*c);
    on(c, [this] {
      return with_database([this](const std::string& conninfo) {
        enrol_.conninfo = conninfo;
        return run_keys_enrol(enrol_);
      });
    });
  }

  void add_status() {
    CLI::App* c = app_.add_subcommand(
        "status", "one line per probe; exits 0 ok, 1 warning, 2 critical, 3 unknown");
    c->add_option("--probe", status_.probe, "only instances or hosts that begin with this");
    CLI::Option* const json = c->add_flag("--json", status_.json, "everything, for machines");
    c->add_flag("--problems", status_.problems, "only probes that are not well");
    c->add_flag("--check", status_.check, "one line and performance data, for Nagios and its kin")
        ->excludes(json);
    c->add_option("--watch", status_.watch_s, "again every N seconds")
        ->expected(0, 1)
        ->default_str("5")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{3600}));
    add_database(*c);
    on(c, [this] {
      return with_database([this](const std::string& conninfo) {
        status_.conninfo = conninfo;
        status_.terminal = ::isatty(STDOUT_FILENO) == 1;
        return run_status(status_);
      });
    });
  }

  void add_spec() {
    CLI::App* c = app_.add_subcommand("spec", "recipes of packets and of the rows they must give");
    c->require_subcommand(1);
    CLI::App* build = c->add_subcommand("build", "write the captures that recipes describe");
    build->add_option("recipes", spec_.recipes, "recipes or folders of them; else pcaps-spec");
    build->add_option("--to", spec_.to, "folder for the captures")->required();
    on(build, [this] { return run_spec_build(spec_); });
    CLI::App* check =
        c->add_subcommand("check", "replay recipes and compare with what they expect");
    check->add_option("recipes", spec_.recipes, "recipes or folders of them; else pcaps-spec");
    check->add_flag("--index", spec_.index, "print which recipe covers which rule instead");
    check->add_flag("--outcome", spec_.outcome, "print what came of each recipe, as its [expect]");
    on(check, [this] { return run_spec_check(spec_); });
  }

  void add_spool() {
    CLI::App* c =
        app_.add_subcommand("spool", "look at a spool, send it, save what is sound in it");
    c->require_subcommand(1);
    CLI::App* check = c->add_subcommand("check", "what is there, sound and damaged; exits 5 if so");
    check->add_option("folder", spool_ship_.folder, "the spool")->required();
    on(check, [this] { return run_spool_check(spool_ship_.folder); });
    CLI::App* ship = c->add_subcommand("ship", "send it to a database, without a sensor");
    ship->add_option("folder", spool_ship_.folder, "the spool")->required();
    ship->add_flag("--fill-gaps", spool_ship_.fill_gaps,
                   "also what was declared lost and has been found");
    add_database(*ship);
    on(ship, [this] {
      return with_database([this](const std::string& conninfo) {
        spool_ship_.conninfo = conninfo;
        return run_spool_ship(spool_ship_);
      });
    });
    CLI::App* salvage = c->add_subcommand("salvage", "write what is sound in damaged ones anew");
    salvage->add_option("sources", spool_salvage_.sources, "spools, quarantine folders, copies")
        ->required();
    salvage->add_option("--to", spool_salvage_.to, "the new spool")->required();
    on(salvage, [this] { return run_spool_salvage(spool_salvage_); });
    CLI::App* aside = c->add_subcommand("set-aside", "make room for a new one; nothing is deleted");
    aside->add_option("folder", spool_ship_.folder, "the spool")->required();
    on(aside, [this] { return run_spool_set_aside(spool_ship_.folder); });
  }

  void add_interfaces() {
    CLI::App* c = app_.add_subcommand("interfaces", "what can be captured here, and how");
    c->add_flag("--json", interfaces_.json, "everything, for machines");
    on(c, [this] { return run_interfaces(interfaces_); });
  }

  void add_config() {
    CLI::App* c = app_.add_subcommand("config", "validate or print the configuration");
    c->require_subcommand(1);
    CLI::App* check = c->add_subcommand("check", "validate a file");
    check->add_option("file", common_.config, "configuration file")->required();
    CLI::Option* const deep = check->add_flag(
        "--deep", deep_, "also what it names: interfaces, key, database, disk, processors");
    check
        ->add_flag("--reload", deep_check_.reload, "of a probe that runs: not what its start takes")
        ->needs(deep);
    for (CLI::Option* const option :
         {check->add_option("-i,--interface", deep_check_.interfaces, "as `run` gets it"),
          check->add_option("-o,--out", deep_check_.outputs, "as `run` gets it")})
      option->expected(1)->take_all()->needs(deep);
    check->add_option("--key", deep_check_.key, "as `run` gets it")->needs(deep);
    on(check, [this] {
      return with_config([this](const Config& config) -> int {
        deep_check_.file = common_.config;
        if (deep_) return run_deep_check(config, deep_check_);
        fmt::print("{}: valid\n", common_.config);
        return exit_done;
      });
    });
    CLI::App* show = c->add_subcommand("show", "print what is in force");
    common_.add_to(*show);
    on(show, [this] {
      return with_config([](const Config& config) {
        fmt::print("{}", show_config(config));
        return exit_done;
      });
    });
  }

  void add_schema() {
    CLI::App* c = app_.add_subcommand("schema", "the database bundle");
    c->require_subcommand(1);
    CLI::App* hash = c->add_subcommand("hash", "its SHA-256");
    on(hash, [] { return run_schema_hash(); });
    CLI::App* plan = c->add_subcommand("plan", "what `apply` would do to a database");
    add_database(*plan);
    on(plan, [this] {
      return with_database([](const std::string& conninfo) { return run_schema_plan(conninfo); });
    });
    CLI::App* apply = c->add_subcommand("apply", "make or migrate a database, in one transaction");
    add_database(*apply);
    on(apply, [this] {
      return with_database([](const std::string& conninfo) { return run_schema_apply(conninfo); });
    });
    CLI::App* check = c->add_subcommand("check", "is this database that bundle?");
    add_database(*check);
    on(check, [this] {
      return with_database([](const std::string& conninfo) { return run_schema_check(conninfo); });
    });
  }

  void add_diff() {
    CLI::App* c = app_.add_subcommand(
        "diff", "what two runs tell differently; exits 0 when nothing, 1 when something");
    c->add_option("first", diff_.first,
                  "JSON lines file, -, spool folder or postgres[:CONNINFO][#INSTANCE]")
        ->required();
    c->add_option("second", diff_.second, "the same")->required();
    c->add_flag("--json", diff_.json, "everything, for machines");
    c->add_option("--rows", diff_.rows, "differences told one by one; 0: all")
        ->capture_default_str();
    on(c, [this] { return run_diff(diff_); });
  }

  void add_packets() {
    CLI::App* c = app_.add_subcommand(
        "packets", "the packets of flows and exchanges, out of the captures they were in");
    c->add_option("files,-r,--read", packets_.captures, "captures, or folders of them")->required();
    c->add_option("-w,--write", packets_.output, "pcapng file for the packets, or -")->required();
    c->add_option("--community-id", packets_.community_ids, "of this flow; repeatable")
        ->expected(1)
        ->take_all();
    auto* const events =
        c->add_option("--events", packets_.events,
                      "of these flows and exchanges: JSON lines file, -, spool folder or "
                      "postgres[:CONNINFO][#INSTANCE]");
    c->add_option("--event", packets_.choices,
                  "only of this one of them: a sequence or an event_id; repeatable")
        ->expected(1)
        ->take_all()
        ->needs(events);
    c->add_option("-f,--filter", packets_.filter, "capture filter in libpcap's language");
    c->add_option("--from", packets_.from, "not before this time: 2026-11-30T10:00:00Z");
    c->add_option("--to", packets_.to, "not after it");
    common_.add_to(*c);
    on(c, [this] {
      return with_config([this](const Config& config) { return run_packets(config, packets_); });
    });
  }

  void add_setup() {
    CLI::App* c = app_.add_subcommand(
        "setup", "database, logins, key, enrolment and configuration of a sensor, checked");
    c->add_option("name", setup_.name, "the sensor's: NAME.toml, ransomeye-dpi@NAME")->required();
    c->add_option("-i,--interface", setup_.interfaces, "capture from this interface; repeatable")
        ->expected(1)
        ->take_all();
    c->add_option("-d,--database", setup_.conninfo, "libpq connection string of a superuser");
    c->add_option("--role", setup_.role, "database login of the probe")->capture_default_str();
    c->add_option("--reader", setup_.reader, "database login of those who look; empty: none")
        ->capture_default_str();
    c->add_option("--tenant", setup_.tenant, "short name of its tenant")->capture_default_str();
    c->add_option("--folder", setup_.folder, "for dpi/NAME.toml and keys/NAME.pem")
        ->capture_default_str();
    c->add_flag("--start", setup_.start,
                "start and enable its unit, and wait until its canary came through to the row");
    c->add_flag("--dry-run", setup_.dry_run, "print SQL and files, change nothing");
    on(c, [this] { return run_setup(setup_); });
  }

  // For the build: not a command for people, so it is in no help.
  void add_manual() {
    CLI::App* c = app_.add_subcommand("manual", "man pages and completions")->group("");
    c->add_option("--to", manual_, "folder")->required();
    on(c, [this] {
      const auto written = write_manual(app_, manual_);
      return written ? int{exit_done} : report(written.error());
    });
  }

  CLI::App app_{"RansomEye DPI probe: packets become facts that can be proved", "ransomeye-dpi"};
  std::function<int()> action_;
  Common common_;
  ReplayOptions replay_;
  RunOptions run_;
  std::string speed_ = "max";
  VerifyOptions verify_;
  EnrolOptions enrol_;
  RotateOptions rotate_;
  RevokeOptions revoke_;
  StatusOptions status_;
  SpecOptions spec_;
  SpoolShipOptions spool_ship_;
  SpoolSalvageOptions spool_salvage_;
  InterfacesOptions interfaces_;
  DiffOptions diff_;
  PacketsOptions packets_;
  SetupOptions setup_;
  DeepCheckOptions deep_check_;
  bool deep_ = false;
  std::string manual_;
  std::string conninfo_;
  std::string key_file_;
  bool key_public_ = false;
};

}  // namespace
}  // namespace dpi

namespace {

// Nothing goes on without memory; a service is started again. Allocates nothing.
[[noreturn]] void out_of_memory() {
  static constexpr std::string_view words =
      "ransomeye-dpi: out of memory; lower limits.memory_mib (or streams.bytes_max, "
      "flow.flows_max, dns.transactions_max, fragments.bytes_max, capture.ring_mib), or raise "
      "MemoryMax of its unit; what was committed is in the spool\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, words.data(), words.size());
  ::_exit(dpi::exit_failure);
}

}  // namespace

int main(int argc, char** argv) {
  std::set_new_handler(out_of_memory);
  std::signal(SIGPIPE, SIG_IGN);  // a closed reader is a write error, reported as such
  try {
    return dpi::CommandLine{}.run(argc, argv);
  } catch (const std::exception& e) {
    dpi::say(fmt::format("unexpected failure: {}", e.what()));
    return dpi::exit_failure;
  }
}

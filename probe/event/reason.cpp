#include "probe/event/reason.h"

#include <algorithm>
#include <array>

namespace dpi {
namespace {

using enum Severity;
using enum Figure;

constexpr auto list = std::to_array<Reason>({
    {"backlog", warning, seconds, "what arrives is {} old", "long",
     "the backlog is draining; look at the path to the database if it grows"},
    {"bad_checksums", warning, none, "more than 1 % of the packets have a wrong checksum", "",
     "look at the mirror's cabling and at offloading on the mirrored host"},
    {"canary_lost", critical, none, "the last canary did not arrive", "",
     "its stage is in re_dpi.heartbeat.canary_stage; restart the probe if the next is lost too"},
    {"capture_stuck", critical, none, "an interface drops packets and delivers none", "",
     "restart the probe; report it with its log"},
    {"clock_ahead", warning, seconds, "its clock is {} ahead of the database's", "far",
     "synchronise both clocks with NTP"},
    {"clock_offset", warning, milliseconds, "its clock is off by {}", "more than 100 ms",
     "look at its NTP service"},
    {"clock_stepped", warning, milliseconds, "its clock was set by {}", "a step",
     "find out who set it; facts keep their order by sequence number"},
    {"clock_unsynced", warning, none, "the kernel calls its clock unsynchronised", "",
     "start an NTP service (chrony, systemd-timesyncd) on the probe"},
    {"config_drift", warning, none, "it runs another configuration than was approved", "",
     "restore the approved one, or approve this with re_core.approve_version()"},
    {"database_away", warning, none, "it has no connection to the database", "",
     "events wait in its spool; look at the server and the network between"},
    {"database_behind", warning, none, "the database does not keep up with it", "",
     "look at the load of the database; events wait in the spool"},
    {"disk_error", critical, none, "commits to its spool fail", "",
     "look at the disk of spool.dir: full, read-only, broken?"},
    {"drops_kernel", warning, percent, "the kernel dropped {} in the last minute", "packets",
     "raise capture.ring_mib or add a worker"},
    {"drops_nic", warning, percent, "the network card dropped {} in the last minute", "packets",
     "raise its ring (ethtool -G), spread it over more queues, or mirror less"},
    {"duplicate_mirror", warning, none, "more than 10 % of the packets are mirrored copies", "",
     "mirror one direction of each port, or drop copies with flow.duplicates"},
    {"frozen_socket", warning, none, "a capture ring stood still", "",
     "raise capture.ring_mib; report it if it happens again"},
    {"key_revoked", critical, none, "it signs with a key that was revoked", "",
     "treat its events since then as unproven; enrol a new instance with a new key"},
    {"key_unknown", critical, none, "it signs with a key that is not in force", "",
     "when you rotated it, `keys enrol --request` registers it; else find out who made that key"},
    {"ledger_open", critical, none, "its ledger does not close: something went uncounted", "",
     "do not trust its counts; report it with the heartbeat"},
    {"link_down", critical, none, "the link of a capture interface is down", "",
     "look at the cable, the mirror port and `ip link`"},
    {"loss_reported", warning, count, "it reported the loss of {} packets", "some",
     "re_view.probe_life says by what cause"},
    {"mirror_loss", warning, percent, "about {} was lost before the probe", "more than 1 %",
     "the mirror port is oversubscribed: mirror less, or over a faster port"},
    {"ndpi_drift", warning, none, "it runs another nDPI than was approved", "",
     "install the approved one, or approve this with re_core.approve_version()"},
    {"no_buffer", warning, percent, "{} found no buffer in the last minute", "packets",
     "give the capture more memory or add a worker"},
    {"no_heartbeat", critical, none, "events arrive, heartbeats do not", "",
     "restart the probe; report it with its log"},
    {"no_traffic", warning, none, "an interface with its link up saw no packet for 60 s", "",
     "is the mirror session configured, and on this port?"},
    {"offloaded_frames", warning, none, "frames arrive merged by the host", "",
     "switch GRO and LRO off on the capture interface (ethtool -K)"},
    {"one_sided_vlan", warning, none, "directions of a flow carry different VLANs", "",
     "leave flow.key_vlan off"},
    {"one_way_mirror", warning, none, "most TCP flows are seen in one direction only", "",
     "mirror both directions; round trips, gaps and roles are unknown meanwhile"},
    {"packets_shed", warning, percent, "the probe shed {} in the last minute", "packets",
     "add workers, or filter what need not be looked at"},
    {"refused", critical, count, "the database refused {} of its batches in the last hour", "some",
     "re_view.violation says which and why"},
    {"reordered_mirror", warning, none, "more than 5 % of the TCP packets are out of order", "",
     "mirror through one port and one queue"},
    {"rows_quarantined", warning, count,
     "{} of its stored events have no rows: their payloads break a rule", "some",
     "re_view.quarantine says which rule; after a migration, re_raw.rederive() makes the rows"},
    {"scan_aggregated", warning, none, "a scan or a flood: flows of one packet are told together",
     "", "re_view.scan says from whom or to whom, and how many"},
    {"schema_drift", warning, none, "it was built for another schema bundle", "",
     "bring probe and database to the same bundle"},
    {"spool_filling", warning, percent, "its spool is {} full", "over half",
     "bring the database back before it is full"},
    {"spool_full", critical, percent, "its spool is {} full: facts are being shed", "",
     "bring the database back, or raise spool.cap_mib"},
    {"stopped", critical, none, "it was stopped in an orderly way", "",
     "start it again, or retire it with re_core.retire_instance()"},
    {"traffic_low", warning, per_second, "only {}, a tenth of what is usual at this hour", "little",
     "did the mirror session or the network behind it change?"},
    {"truncated_mirror", warning, none, "datagrams arrive cut, though their frames are whole", "",
     "switch truncation off in the mirror (ERSPAN, RSPAN) session"},
    {"unclean_restart", warning, none, "its last run ended without saying so", "",
     "look at its log and at the kernel's: crash, kill, power cut?"},
    {"unsandboxed", warning, none, "it runs without its sandbox", "",
     "look at its log: the kernel or the unit file refuses it"},
    {"unsigned_tail", warning, seconds, "its newest signature is {} old", "more than 60 s",
     "look at its log: key readable, spool writable?"},
    {"version_drift", warning, none, "it runs another version than was approved", "",
     "install the approved one, or approve this with re_core.approve_version()"},
    {"worker_restarted", warning, count, "workers were restarted: {}", "at least one",
     "re_view.probe_life has the crash; report it with its quarantined packets"},
    {"workers_behind", warning, none, "packets wait long for a worker", "",
     "add workers (workers.count) or pin them to idle cores (workers.cpus)"},
});

constexpr bool sorted() {
  for (std::size_t i = 1; i < list.size(); ++i) {
    if (list[i - 1].name >= list[i].name) return false;
  }
  return true;
}
static_assert(sorted());

}  // namespace

std::span<const Reason> reasons() noexcept {
  return list;
}

const Reason* find_reason(std::string_view name) noexcept {
  const auto* const found =
      std::lower_bound(list.begin(), list.end(), name,
                       [](const Reason& r, std::string_view n) { return r.name < n; });
  return found != list.end() && found->name == name ? &*found : nullptr;
}

}  // namespace dpi

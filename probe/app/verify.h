// `ransomeye-dpi verify`: a chain from a JSON lines file, a spool folder or a database.
#pragma once

#include <string>
#include <vector>

namespace dpi {

struct VerifyOptions {
  std::string source;    // path, "-", spool:DIR or postgres[:CONNINFO]
  std::string instance;  // of a database; empty: every instance
  std::string from;      // of a database: sequences, the ends included
  std::string to;
  std::string day;          // of a database: what came on that UTC day
  bool rows_only = false;   // of a database: rows and ledgers, no walk of the chains
  bool chain_only = false;  // of a database: ledgers and chains, no rows
  bool no_schema = false;   // of a database: its definitions are not compared
  std::string reference;    // a server of the verifier's own, to make the bundle in
  std::string trust;        // PEM bundle of public keys; empty: the chain's own announcements
  std::vector<std::string> revoked;  // KEY_ID:SEQ, what a database's registry says as well
  std::string against;               // a checkpoint that the chain must contain
  std::string prove;                 // a sequence or event_id, whose proof is wanted
  std::string prove_to = ".";
  std::string proof;  // source is one event, and this file its proof
};

[[nodiscard]] int run_verify(const VerifyOptions& options);

}  // namespace dpi

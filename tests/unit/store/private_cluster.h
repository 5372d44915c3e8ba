// A PostgreSQL of the test program's own: started when the first test asks for it, removed at exit.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "probe/store/postgres.h"

namespace dpi::test {

class PrivateCluster {
 public:
  // Nothing where PostgreSQL is not installed.
  [[nodiscard]] static PrivateCluster* get();

  explicit PrivateCluster(std::filesystem::path folder) : folder_(std::move(folder)) {}
  PrivateCluster(const PrivateCluster&) = delete;
  PrivateCluster& operator=(const PrivateCluster&) = delete;
  ~PrivateCluster();

  // A new database: with the bundle and a registered hash of it, or empty.
  [[nodiscard]] std::string create_database(bool with_bundle = true);
  [[nodiscard]] std::string conninfo(const std::string& database, const std::string& user) const;
  void start();
  void stop();

  // What `cat schemas/0*.sql | sha256sum` says.

 private:
  bool begin();
  [[nodiscard]] int tool(const std::string& command) const;

  std::filesystem::path folder_;
  int databases_ = 0;
};

// One statement as superuser; the first column of the first row.
[[nodiscard]] std::string ask(const std::string& conninfo, const std::string& sql);

}  // namespace dpi::test

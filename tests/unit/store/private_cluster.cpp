#include "tests/unit/store/private_cluster.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "probe/base/check.h"
#include "probe/crypto/digest.h"

namespace dpi::test {
namespace {

Postgres connect(const std::string& conninfo) {
  auto connection = Postgres::connect(conninfo);
  if (!connection) ADD_FAILURE() << connection.error().what;
  DPI_CHECK(connection.has_value());
  return std::move(*connection);
}

void run(Postgres& database, const std::string& sql) {
  const auto done = database.run(sql);
  ASSERT_TRUE(done) << done.error().what;
}

// Tests run in the project's folder.
std::vector<std::string> schema_files() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator("schemas")) {
    if (entry.path().extension() == ".sql") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> out;
  for (const auto& path : paths) {
    std::ifstream in(path, std::ios::binary);
    out.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return out;
}

}  // namespace

std::string ask(const std::string& conninfo, const std::string& sql) {
  Postgres database = connect(conninfo);
  const auto rows = database.query(sql);
  if (!rows) ADD_FAILURE() << rows.error().what;
  return rows && !rows->empty() ? rows->at(0).at(0).value_or("NULL") : "";
}

PrivateCluster* PrivateCluster::get() {
  static const std::unique_ptr<PrivateCluster> cluster = []() -> std::unique_ptr<PrivateCluster> {
    std::string name = "/tmp/dpi-store-test.XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) return nullptr;
    auto made = std::make_unique<PrivateCluster>(name);
    return made->begin() ? std::move(made) : nullptr;
  }();
  return cluster.get();
}

int PrivateCluster::tool(const std::string& command) const {
  // Neither the server nor its launcher may hold on to the test's output.
  return std::system(fmt::format("tools/private-postgres {} {}/pg >{}/log 2>&1 </dev/null", command,
                                 folder_.string(), folder_.string())
                         .c_str());
}

bool PrivateCluster::begin() {
  // The server's user must be able to enter.
  std::filesystem::permissions(folder_, std::filesystem::perms{0755});
  if (tool("start") != 0) return false;
  const auto files = schema_files();
  Sha256 hasher;
  for (const std::string& sql : files) hasher.update(as_bytes(sql));
  Postgres admin = connect(conninfo("postgres", "postgres"));
  // Thousands of small files that nobody needs after a power cut.
  run(admin, "alter system set fsync = off");
  run(admin, "select pg_reload_conf()");
  run(admin, "create database bundle");
  {
    Postgres database = connect(conninfo("bundle", "postgres"));
    run(database, "begin");
    for (const std::string& sql : files) run(database, sql);
    run(database, fmt::format("select re_core.register_bundle('1.2.0', '\\x{}'); commit",
                              hex(hasher.finish())));
  }
  run(admin, "create role writer login; grant re_probe to writer");
  return !testing::Test::HasFailure();
}

PrivateCluster::~PrivateCluster() {
  static_cast<void>(tool("clean"));
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string PrivateCluster::create_database(bool with_bundle) {
  const std::string name = fmt::format("t{}", databases_++);
  Postgres admin = connect(conninfo("postgres", "postgres"));
  run(admin,
      fmt::format("create database {} template {}", name, with_bundle ? "bundle" : "template0"));
  return name;
}

std::string PrivateCluster::conninfo(const std::string& database, const std::string& user) const {
  return fmt::format("host={}/pg/socket user={} dbname={}", folder_.string(), user, database);
}

void PrivateCluster::start() {
  ASSERT_EQ(tool("start"), 0);
}

void PrivateCluster::stop() {
  ASSERT_EQ(tool("stop"), 0);
}

}  // namespace dpi::test

#include "probe/store/conninfo.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

std::string of(const ConnectParameters& parameters, std::string_view name) {
  std::string out;
  for (const auto& [key, value] : parameters)
    if (key == name) out = value;
  return out;
}

TEST(Conninfo, TakesWordsAndUris) {
  for (const char* const text :
       {"host=db.example port=5433 user=pw password=geheim dbname=t1",
        "postgres://pw:geheim@db.example:5433/t1", "postgresql://pw:geheim@db.example:5433/t1"}) {
    const auto parsed = parse_conninfo(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(of(*parsed, "host"), "db.example");
    EXPECT_EQ(of(*parsed, "port"), "5433");
    EXPECT_EQ(of(*parsed, "password"), "geheim");
    EXPECT_EQ(of(*parsed, "dbname"), "t1");
  }
  EXPECT_TRUE(parse_conninfo(""));
}

TEST(Conninfo, AMessageQuotesNothingOfIt) {
  for (const char* const text : {"//pw:geheim@db.example/t1", "host=x password=very geheim",
                                 "postgres://pw:geheim@[::1/x", "geheim", "password='geheim"}) {
    const auto parsed = parse_conninfo(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::usage);
    EXPECT_EQ(parsed.error().what.find("geheim"), std::string::npos) << parsed.error().what;
  }
}

TEST(Conninfo, EachHostIsTriedByItself) {
  const auto parsed = parse_conninfo("host=a,b,c port=1,2,3 dbname=x");
  ASSERT_TRUE(parsed);
  const auto hosts = by_host(*parsed);
  ASSERT_EQ(hosts.size(), 3U);
  EXPECT_EQ(of(hosts[1], "host"), "b");
  EXPECT_EQ(of(hosts[1], "port"), "2");
  EXPECT_EQ(of(hosts[2], "dbname"), "x");
  const auto one_port = by_host(*parse_conninfo("postgresql://a,b/x?port=7"));
  ASSERT_EQ(one_port.size(), 2U);
  EXPECT_EQ(of(one_port[1], "port"), "7");
  // Lists that do not fit each other are libpq's to refuse.
  EXPECT_EQ(by_host(*parse_conninfo("host=a,b,c port=1,2")).size(), 1U);
}

TEST(Conninfo, AnotherDatabaseOfTheSameServer) {
  const auto parsed =
      parse_conninfo(with_database("postgresql://u:it's%5C@h/one?connect_timeout=3", "two"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(of(*parsed, "dbname"), "two");
  EXPECT_EQ(of(*parsed, "password"), "it's\\");
  EXPECT_EQ(of(*parsed, "connect_timeout"), "3");
}

TEST(Conninfo, AnOutputMayBeAUri) {
  EXPECT_EQ(conninfo_of("postgres"), "");
  EXPECT_EQ(conninfo_of("postgres:host=x"), "host=x");
  EXPECT_EQ(conninfo_of("postgres:postgresql://h/d"), "postgresql://h/d");
  EXPECT_EQ(conninfo_of("postgres://h/d"), "postgres://h/d");
  EXPECT_TRUE(names_postgres("postgresql://h/d"));
  EXPECT_FALSE(names_postgres("postgresx"));
}

}  // namespace
}  // namespace dpi

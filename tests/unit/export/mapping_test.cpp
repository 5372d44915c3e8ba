#include "probe/export/mapping.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "probe/app/payload_members.h"
#include "probe/export/ipfix_elements.h"

namespace dpi {
namespace {

TEST(Mapping, HasEveryMemberThatTheDatabaseTakesAndNoOther) {
  for (const RowMapping& row : row_mappings()) {
    std::set<std::string, std::less<>> members;
    for (const Mapping& mapping : row.members) members.emplace(mapping.member);
    EXPECT_EQ(members, payload_members(row.row)) << row.row;
  }
}

TEST(Mapping, FindsARowByItsEventType) {
  ASSERT_NE(row_mapping("dpi.flow"), nullptr);
  EXPECT_EQ(row_mapping("dpi.flow")->row, "flow");
  EXPECT_EQ(row_mapping("chain.start"), nullptr);
}

// A path is one value: two members that both write it would make a member that stands twice.
TEST(Mapping, WritesNoPathOfARecordTwice) {
  for (const RowMapping& row : row_mappings()) {
    for (const Target Mapping::*const format : {&Mapping::eve, &Mapping::ecs}) {
      std::map<std::string_view, int> written;
      for (const Mapping& mapping : row.members) {
        const Target& target = mapping.*format;
        if (target.path.empty() || target.form == Form::made || target.form == Form::in_part)
          continue;
        EXPECT_EQ(++written[target.path], 1) << row.row << " " << target.path;
      }
    }
  }
}

std::string code(std::string_view text) {
  return text.empty() ? std::string{} : "`" + std::string{text} + "`";
}

TEST(Mapping, IsTheTableOfTheDocument) {
  std::ostringstream table;
  for (const RowMapping& row : row_mappings()) {
    if (row.row != "flow" && row.row != "dns" && row.row != "scan" && row.row != "heartbeat")
      continue;
    table << "### `" << row.event_type << "`, `" << row.row << ".csv`\n"
          << "| member | EVE | ECS | IPFIX |\n|---|---|---|---|\n";
    for (std::size_t i = 0; i < row.members.size();) {
      const std::string_view member = row.members[i].member;
      std::string eve;
      std::string ecs;
      std::string ipfix;
      for (; i < row.members.size() && row.members[i].member == member; ++i) {
        const Mapping& mapping = row.members[i];
        for (auto [cell, path] : {std::pair{&eve, mapping.eve.path},
                                  {&ecs, mapping.ecs.path},
                                  {&ipfix, mapping.ipfix}}) {
          if (path.empty()) continue;
          if (!cell->empty()) *cell += ", ";
          *cell += code(path);
        }
      }
      if (!eve.empty() || !ecs.empty() || !ipfix.empty())
        table << "| " << code(member) << " | " << eve << " | " << ecs << " | " << ipfix << " |\n";
    }
    table << "\n";
  }
  std::ifstream file("docs/outputs.md");
  std::stringstream document;
  document << file.rdbuf();
  // `tests/unit/export/mapping_test.cpp` fails with the table as it must be.
  EXPECT_NE(document.str().find(table.str()), std::string::npos) << table.str();
}

TEST(IpfixElements, AreTheTableOfTheDocument) {
  std::ostringstream table;
  for (const IpfixElement& element : ipfix_elements())
    if (element.own_id != 0)
      table << "| " << code(element.name) << " | " << element.own_id << " | " << element.says
            << " |\n";
  std::ifstream file("docs/outputs.md");
  std::stringstream document;
  document << file.rdbuf();
  EXPECT_NE(document.str().find(table.str()), std::string::npos) << table.str();
}

}  // namespace
}  // namespace dpi

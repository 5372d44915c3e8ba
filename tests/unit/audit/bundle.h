// The bundle of this tree.
#pragma once

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "probe/audit/bundle_catalogue.h"

namespace dpi {

inline BundleCatalogue bundle_of_the_tree() {
  std::set<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(DPI_SCHEMAS))
    if (entry.path().extension() == ".sql") paths.insert(entry.path());
  std::vector<std::string> texts;
  for (const auto& path : paths) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    texts.push_back(text.str());
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return BundleCatalogue(views);
}

}  // namespace dpi

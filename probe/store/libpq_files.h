// The files that libpq opens at every connect: who gives files away must leave it these.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace dpi {

// Those of its environment and its defaults, and those that the connection string names
// (PostgreSQL, libpq, "The Password File" to "SSL Support"). They need not exist.
[[nodiscard]] std::vector<std::filesystem::path> libpq_files(const std::string& conninfo);

}  // namespace dpi

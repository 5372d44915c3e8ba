#include "probe/app/request_text.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace dpi {
namespace {

// The longest one holds an event and its proof, each in base64.
constexpr std::size_t request_bytes_max = std::size_t{16} << 10U;

}  // namespace

Result<std::string> read_request_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(Errc::usage, fmt::format("{}: {}", path, std::strerror(errno)));
  std::string text(request_bytes_max, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::optional<spec::Value> parse_request(std::string_view text, std::string_view format) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  auto json = spec::parse_json(text);
  if (!json || request_member(*json, "format") != format) return std::nullopt;
  return std::move(*json);
}

std::string request_member(const spec::Value& request, std::string_view name) {
  const spec::Value* const found = request.find(name);
  return found == nullptr ? "" : found->text;
}

}  // namespace dpi

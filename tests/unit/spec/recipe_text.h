// Recipes as tests write them: the packets, and perhaps something around them.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "probe/spec/capture_writer.h"
#include "probe/spec/recipe.h"

namespace dpi::spec::test {

inline std::string recipe_text(const std::string& packets, const std::string& rest = "") {
  return "title = \"t\"\nshows = \"s\"\npackets = '''\n" + packets + "\n'''\n" + rest +
         "\n[expect]\n";
}

inline Result<Recipe> parsed(const std::string& packets, const std::string& rest = "") {
  return parse_recipe(recipe_text(packets, rest), "r.toml");
}

// The bytes of the capture; empty and a failure when the recipe is not understood.
inline ByteBuffer built(const std::string& packets, const std::string& rest = "") {
  const auto recipe = parsed(packets, rest);
  if (!recipe) {
    ADD_FAILURE() << recipe.error().what;
    return {};
  }
  const auto bytes = build_capture(*recipe);
  if (!bytes) {
    ADD_FAILURE() << bytes.error().what;
    return {};
  }
  return *bytes;
}

// The first packet of a pcap.
inline ByteBuffer packet(const std::string& layers) {
  const ByteBuffer file = built("0 " + layers);
  constexpr std::size_t before = 24 + 16;
  return file.size() < before ? ByteBuffer{} : ByteBuffer(file.begin() + before, file.end());
}

// What is said against it: the whole message.
inline std::string refused(const std::string& packets, const std::string& rest = "") {
  const auto recipe = parsed(packets, rest);
  if (!recipe) return recipe.error().what;
  const auto bytes = build_capture(*recipe);
  return bytes ? "" : bytes.error().what;
}

}  // namespace dpi::spec::test

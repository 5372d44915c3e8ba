// What goes with every command beside its options: two examples at the end of its help, a
// suggestion for what was mistyped.
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dpi {

struct CommandExample {
  std::string_view command;  // "replay", "keys enrol": without the program's name
  std::string_view line;     // what is typed behind the command's name
  std::string_view what;     // what it is good for
};

// Of one command, in the order in which they are shown.
[[nodiscard]] std::vector<CommandExample> examples_of(std::string_view command);

// "keys enrol" for that subcommand; empty for the program itself.
[[nodiscard]] std::string command_name(const CLI::App& app);

// Puts the examples behind the help of the program and of every command below it.
void add_examples(CLI::App& app);

// Says what is wrong with the command line and what was probably meant.
void say_parse_error(const CLI::App& app, std::span<char* const> arguments,
                     const CLI::ParseError& error);

}  // namespace dpi

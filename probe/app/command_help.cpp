#include "probe/app/command_help.h"

#include <fmt/format.h>

#include <algorithm>

#include "probe/app/report.h"
#include "probe/app/suggest.h"

namespace dpi {
namespace {

constexpr std::string_view program = "ransomeye-dpi";

std::string footer_of(const std::string& command) {
  const std::vector<CommandExample> all = examples_of(command);
  std::string out = all.empty() ? "" : "Examples:";
  for (const CommandExample& example : all) {
    std::string line{program};
    for (const std::string_view part : {std::string_view{command}, example.line}) {
      if (!part.empty()) line += fmt::format(" {}", part);
    }
    out += fmt::format("\n  # {}\n  {}", example.what, line);
  }
  return out;
}

// The command whose options count at the end of these arguments.
const CLI::App* innermost(const CLI::App& app, std::span<char* const> arguments) {
  const CLI::App* at = &app;
  for (const char* const argument : arguments) {
    for (const CLI::App* const below : at->get_subcommands([](const CLI::App*) { return true; })) {
      if (below->get_name() != argument) continue;
      at = below;
      break;
    }
  }
  return at;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> out;
  for (const CLI::Option* const option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) out.push_back("--" + name);
    for (const std::string& name : option->get_snames()) out.push_back("-" + name);
  }
  return out;
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> out;
  for (const CLI::App* const below : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!below->get_name().empty() && !below->get_group().empty()) out.push_back(below->get_name());
  }
  return out;
}

bool among(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// What was probably meant by an argument that nobody expected.
std::string meant(const CLI::App& command, std::span<char* const> arguments) {
  const std::vector<std::string> options = option_names(command);
  const std::vector<std::string> commands = subcommand_names(command);
  for (const std::string argument : arguments) {
    const std::string name = argument.substr(0, argument.find('='));
    if (name.starts_with("--") && !among(options, name)) {
      if (std::string text = suggestion(name, options); !text.empty()) return text;
    } else if (!commands.empty() && !name.starts_with("-") && !among(commands, name)) {
      if (std::string text = suggestion(name, commands); !text.empty()) return text;
    }
  }
  return "";
}

}  // namespace

std::string command_name(const CLI::App& app) {
  if (app.get_parent() == nullptr) return "";
  const std::string above = command_name(*app.get_parent());
  return above.empty() ? app.get_name() : above + " " + app.get_name();
}

void add_examples(CLI::App& app) {
  app.footer(footer_of(command_name(app)));
  for (CLI::App* const below : app.get_subcommands([](CLI::App*) { return true; }))
    add_examples(*below);
}

void say_parse_error(const CLI::App& app, std::span<char* const> arguments,
                     const CLI::ParseError& error) {
  const CLI::App* const command = innermost(app, arguments);
  const std::string name = command_name(*command);
  say(fmt::format("{}{}", error.what(), meant(*command, arguments)));
  say(fmt::format("`{}{}{} --help` says what there is", program, name.empty() ? "" : " ", name));
}

}  // namespace dpi

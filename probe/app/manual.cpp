#include "probe/app/manual.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "probe/app/command_help.h"
#include "probe/app/files.h"
#include "probe/app/version.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view program = "ransomeye-dpi";

std::vector<const CLI::App*> below(const CLI::App& app) {
  std::vector<const CLI::App*> out;
  for (const CLI::App* const command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_group().empty()) out.push_back(command);
  }
  return out;
}

// The program and all its commands, outermost first.
void walk(const CLI::App& app, std::vector<const CLI::App*>& out) {
  out.push_back(&app);
  for (const CLI::App* const command : below(app)) walk(*command, out);
}

std::string page_name(const CLI::App& app) {
  std::string name = command_name(app);
  std::replace(name.begin(), name.end(), ' ', '-');
  return name.empty() ? std::string{program} : fmt::format("{}-{}", program, name);
}

// groff_man(7): a backslash escapes, a hyphen that is typed is \-, a line may not begin with a dot
// or an apostrophe.
std::string roff(std::string_view text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out += "\\&";
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string option_line(const CLI::Option& option) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += fmt::format(", -{}", name);
  for (const std::string& name : option.get_lnames()) names += fmt::format(", --{}", name);
  if (names.empty()) names = "  " + option.get_name(true);
  std::string out = fmt::format("\\fB{}\\fR", roff(std::string_view{names}.substr(2)));
  if (option.get_items_expected_max() != 0 && !option.get_positional()) out += " \\fIVALUE\\fR";
  return out;
}

std::string page(const CLI::App& app) {
  const std::string command = command_name(app);
  const std::string typed = fmt::format("{}{}{}", program, command.empty() ? "" : " ", command);
  std::string upper = page_name(app);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::string out = fmt::format(
      ".TH {} 1 \"\" \"ransomeye-dpi {}\" \"RansomEye DPI probe\"\n"
      ".SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.B {}\n{}{}",
      roff(upper), probe_version, roff(page_name(app)), roff(app.get_description()), roff(typed),
      "[\\fIOPTIONS\\fR]", below(app).empty() ? "" : " \\fICOMMAND\\fR");
  for (const CLI::Option* const option : app.get_options()) {
    if (option->get_positional()) out += fmt::format(" \\fI{}\\fR", roff(option->get_name(true)));
  }
  out += "\n";
  if (!below(app).empty()) out += ".SH COMMANDS\n";
  for (const CLI::App* const sub : below(app)) {
    out +=
        fmt::format(".TP\n.BR {} (1)\n{}\n", roff(page_name(*sub)), roff(sub->get_description()));
  }
  out += ".SH OPTIONS\n";
  for (const CLI::Option* const option : app.get_options())
    out += fmt::format(".TP\n{}\n{}\n", option_line(*option), roff(option->get_description()));
  out += ".SH EXAMPLES\n";
  for (const CommandExample& example : examples_of(command)) {
    out += fmt::format(".TP\n{}:\n.B {}{}{}\n", roff(example.what), roff(typed),
                       example.line.empty() ? "" : " ", roff(example.line));
  }
  out += ".SH SEE ALSO\n";
  if (command.empty()) {
    out += "/usr/share/doc/ransomeye\\-dpi\\-doc/docs/operations.md\n";
  } else {
    out += fmt::format(".BR {} (1)\n", roff(page_name(*app.get_parent())));
  }
  return out;
}

std::string words_of(const CLI::App& app) {
  std::string out;
  for (const CLI::App* const sub : below(app)) out += sub->get_name() + " ";
  for (const CLI::Option* const option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) out += fmt::format("--{} ", name);
  }
  if (!out.empty()) out.pop_back();
  return out;
}

// The words that were typed so far choose a line of the table; else files are completed.
std::string bash_completion(const std::vector<const CLI::App*>& commands) {
  std::string out =
      "# bash completion for ransomeye-dpi\n"
      "_ransomeye_dpi() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} command= word\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"$command $word\" in\n";
  std::string names;
  for (const CLI::App* const command : commands) {
    const std::string name = command_name(*command);
    if (name.empty()) continue;
    const std::size_t space = name.rfind(' ');
    names += fmt::format("{}'{}{}'", names.empty() ? "      " : " | ",
                         space == std::string::npos ? " " : "", name);
  }
  out += names +
         ") command=\"${command:+$command }$word\" ;;\n    esac\n  done\n  local words=\n  case "
         "$command in\n";
  for (const CLI::App* const command : commands)
    out += fmt::format("    '{}') words='{}' ;;\n", command_name(*command), words_of(*command));
  out +=
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
      "  [[ $cur == -* ]] || COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
      "}\n"
      "complete -o filenames -F _ransomeye_dpi ransomeye-dpi\n";
  return out;
}

// As zsh's _arguments wants a description: without what ends it.
std::string zsh_text(std::string text) {
  for (char& c : text) {
    if (c == '\'' || c == '[' || c == ']' || c == ':' || c == '`') c = ' ';
  }
  return text;
}

std::string zsh_completion(const std::vector<const CLI::App*>& commands) {
  std::string out =
      "#compdef ransomeye-dpi\nlocal command= word\nfor word in ${words[2,CURRENT-1]}; do\n  case "
      "\"$command $word\" in\n";
  std::string names;
  for (const CLI::App* const command : commands) {
    const std::string name = command_name(*command);
    if (name.empty()) continue;
    names += fmt::format("{}'{}{}'", names.empty() ? "    " : "|",
                         name.find(' ') == std::string::npos ? " " : "", name);
  }
  out += names +
         ") command=\"${command:+$command }$word\" ;;\n  esac\ndone\nlocal -a described\ncase "
         "$command in\n";
  for (const CLI::App* const command : commands) {
    out += fmt::format("  '{}') described=(", command_name(*command));
    for (const CLI::App* const sub : below(*command))
      out += fmt::format("\n    '{}:{}'", sub->get_name(), zsh_text(sub->get_description()));
    for (const CLI::Option* const option : command->get_options()) {
      for (const std::string& name : option->get_lnames())
        out += fmt::format("\n    '--{}:{}'", name, zsh_text(option->get_description()));
    }
    out += ") ;;\n";
  }
  return out + "esac\n_describe -o 'ransomeye-dpi' described\n_files\n";
}

}  // namespace

Result<void> write_manual(const CLI::App& app, const std::string& folder) {
  std::vector<const CLI::App*> commands;
  walk(app, commands);
  std::error_code failed;
  for (const char* const sub : {"man1", "completions"}) {
    fs::create_directories(fs::path{folder} / sub, failed);
    if (failed) return fail(Errc::sink, fmt::format("{}/{}: {}", folder, sub, failed.message()));
  }
  for (const CLI::App* const command : commands) {
    const fs::path path = fs::path{folder} / "man1" / (page_name(*command) + ".1");
    if (auto written = write_file(path, page(*command)); !written) return written;
  }
  const fs::path completions = fs::path{folder} / "completions";
  if (auto written = write_file(completions / "ransomeye-dpi.bash", bash_completion(commands));
      !written)
    return written;
  return write_file(completions / "_ransomeye-dpi", zsh_completion(commands));
}

}  // namespace dpi

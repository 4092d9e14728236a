#include "cli/command.h"

#include <cstdio>
#include <cstdlib>

#include "cli/json.h"

namespace selftune::cli {
namespace {

// "007" and "1." are numbers on a command line, but not in JSON.
std::string NumberText(const std::string& typed) {
  if (typed.find_first_of(".eE") == std::string::npos) {
    return std::to_string(std::strtoll(typed.c_str(), nullptr, 10));
  }
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", std::strtod(typed.c_str(), nullptr));
  return text;
}

}  // namespace

std::string ParamName(std::string_view param, std::string_view name) {
  if (param == "-") return "";
  std::string text(param.empty() ? name : param);
  for (char& c : text) c = c == '-' ? '_' : c;
  return text;
}

std::string ParamsByName(const Command& command, const Args& args) {
  JsonObject out;
  for (const Flag& flag : command.flags) {
    const std::string name = ParamName(flag.param, flag.name);
    if (name.empty() || !args.Has(flag.name)) continue;
    switch (flag.type) {
      case FlagType::kSwitch:
        out.AddBool(name, true);
        break;
      case FlagType::kInt:
      case FlagType::kNumber:
        out.AddRaw(name, NumberText(args.Get(flag.name).value_or("")));
        break;
      case FlagType::kList:
        out.AddTexts(name, args.All(flag.name));
        break;
      case FlagType::kText:
        out.Add(name, args.Get(flag.name));
        break;
    }
  }
  for (const Positional& positional : command.positionals) {
    const std::string name = ParamName(positional.param, positional.name);
    if (name.empty() || !args.Has(positional.name)) continue;
    if (positional.many) {
      out.AddTexts(name, args.All(positional.name));
    } else {
      out.Add(name, args.Get(positional.name));
    }
  }
  return out.Take();
}

std::optional<std::string> Args::Get(std::string_view name) const {
  const auto it = values_.find(name);
  if (it == values_.end() || it->second.empty()) return std::nullopt;
  return it->second.back();
}

std::vector<std::string> Args::All(std::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? std::vector<std::string>() : it->second;
}

}  // namespace selftune::cli

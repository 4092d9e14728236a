#include "install/off_switch.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/free_path.h"
#include "base/strings.h"

namespace selftune::install {
namespace {

// As sed takes it between slashes.
std::string ForSed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("/\\.*[]^$&").find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

// Changes this one member and nothing else; the file from before stays beside it. ""
// when the member takes more than a line, or has a tab, which shells write in several ways.
std::string CommandFor(std::string_view text, const JsonItem& item, std::string_view instead,
                       const std::string& path) {
  const std::string_view member = text.substr(item.begin, item.value.end - item.begin);
  const std::string_view name = text.substr(item.begin, item.value.begin - item.begin);
  const auto is_control = [](char c) { return c >= 0 && c < ' '; };
  if (std::any_of(member.begin(), member.end(), is_control)) return "";
  const auto line =
      std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(item.begin), '\n');
  const size_t last = text.rfind('\n', item.begin);
  const size_t from = last == text.npos ? 0 : last + 1;
  size_t nth = 1;
  for (size_t at = text.find(member, from); at < item.begin;
       at = text.find(member, at + member.size())) {
    ++nth;
  }
  const std::string edit =
      fmt::format("{}s/{}/{}{}/{}", line + 1, ForSed(member), ForSed(name), instead, nth);
  // Of a link sed would make a file.
  const std::string file = base::RealPath(path).value_or(path);
  const std::string ending = base::FreePath(file + ".bak").substr(file.size());
  return base::JoinCommand({"sed", "-i" + ending, edit, file});
}

}  // namespace

std::optional<Hindrance> FindOffSwitch(std::string_view text, JsonDialect dialect,
                                       const std::string& path, const OffSwitch& off_switch) {
  const auto root = ParseJsonText(text, dialect, path);
  if (!root.ok()) return std::nullopt;
  const JsonNode* node = &*root;
  const JsonItem* item = nullptr;
  std::string name;
  for (const std::string_view key : off_switch.keys) {
    item = node->is_object() ? node->Find(key) : nullptr;
    if (item == nullptr) return std::nullopt;
    node = &item->value;
    if (!name.empty()) name.push_back('.');
    name += key;
  }
  if (item == nullptr || node->kind != JsonNode::Kind::kBool) return std::nullopt;
  const std::string_view value = text.substr(node->begin, node->end - node->begin);
  if (value != (off_switch.off ? "true" : "false")) return std::nullopt;
  return Hindrance{
      .name = "switched_off",
      .what = fmt::format("no hook runs: {} is {} in {}", name, value, path),
      .remedy =
          fmt::format("take {} out of {}, unless it is meant so: with it no hook runs", name, path),
      .command = CommandFor(text, *item, off_switch.off ? "false" : "true", path),
      .setting = name};
}

std::vector<Hindrance> OffSwitches(const Target& target, const Place& place, std::string_view text,
                                   const std::vector<OffSwitch>& switches) {
  std::vector<Hindrance> out;
  for (const OffSwitch& one : switches) {
    auto found = FindOffSwitch(text, target.rules.dialect, SettingsPath(target, place), one);
    if (found.has_value()) out.push_back(*std::move(found));
  }
  return out;
}

}  // namespace selftune::install

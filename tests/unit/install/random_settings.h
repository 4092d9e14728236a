// Settings files as people, hosts and other tools leave them behind.
#pragma once

#include <string>
#include <vector>

#include "base/crypto.h"
#include "base/json_writer.h"

namespace selftune::install::testing {

struct SettingsShape {
  bool comments = false;
  bool hooks_only_lists = true;  // what stands in `hooks` is a list of groups
};

// Writes one random document; the same seed gives the same text.
class RandomSettings {
 public:
  RandomSettings(uint64_t seed, SettingsShape shape) : rng_(seed), shape_(shape) {
    constexpr const char* kUnits[] = {"  ", "    ", "\t", ""};
    unit_ = kUnits[rng_.Below(4)];
    newline_ = rng_.Below(5) == 0 ? "\r\n" : "\n";
    loose_ = rng_.Below(3) == 0;
  }

  std::string Text() {
    std::string out = rng_.Below(12) == 0 ? "\xef\xbb\xbf" : "";
    Space(out, 0);
    const uint64_t members = rng_.Below(5);
    const bool hooks = rng_.Below(3) != 0;
    const uint64_t at = rng_.Below(members + 1);
    std::vector<std::string> items;
    for (uint64_t i = 0; i <= members; ++i) {
      if (hooks && i == at) items.push_back("\"hooks\"" + Colon() + Hooks(1));
      if (i < members) items.push_back(Key("key", i) + Colon() + Value(1));
    }
    Container(out, '{', '}', items, 0);
    Space(out, 0);
    return out;
  }

 private:
  std::string Hooks(size_t depth) {
    constexpr const char* kEvents[] = {"Stop",       "PreToolUse",   "UserPromptSubmit",
                                       "SessionEnd", "Notification", "PostToolUse"};
    std::vector<std::string> items;
    uint64_t mask = rng_.Below(64);
    for (const char* event : kEvents) {
      if ((mask & 1) != 0) {
        items.push_back(base::JsonQuote(event) + Colon() + Groups(depth + 1));
      }
      mask >>= 1;
    }
    std::string out;
    Container(out, '{', '}', items, depth);
    return out;
  }

  std::string Groups(size_t depth) {
    std::vector<std::string> items;
    for (uint64_t i = rng_.Below(4); i > 0; --i) {
      std::vector<std::string> members;
      if (rng_.Below(2) == 0) members.push_back("\"matcher\"" + Colon() + "\"Bash|Edit\"");
      if (rng_.Below(8) != 0) members.push_back("\"hooks\"" + Colon() + Handlers(depth + 2));
      if (rng_.Below(4) == 0) members.push_back("\"note\"" + Colon() + Value(depth + 2));
      std::string group;
      Container(group, '{', '}', members, depth + 1);
      items.push_back(group);
    }
    std::string out;
    Container(out, '[', ']', items, depth);
    return out;
  }

  std::string Handlers(size_t depth) {
    std::vector<std::string> items;
    for (uint64_t i = rng_.Below(3); i > 0; --i) {
      std::string handler;
      Container(
          handler, '{', '}',
          {"\"type\"" + Colon() + "\"command\"",
           "\"command\"" + Colon() + base::JsonQuote("echo " + std::to_string(rng_.Below(99)))},
          depth + 1);
      items.push_back(handler);
    }
    std::string out;
    Container(out, '[', ']', items, depth);
    return out;
  }

  std::string Value(size_t depth) {
    const uint64_t kind = rng_.Below(depth > 4 ? 5 : 7);
    if (kind == 0) return "null";
    if (kind == 1) return rng_.Below(2) == 0 ? "true" : "-1.5e+9";
    if (kind == 2) return "\"a \\\"quoted\\\" \\u00e9 // no comment /* none */\"";
    if (kind == 3) return std::to_string(rng_.Below(1000));
    if (kind == 4) return "\"\"";
    std::vector<std::string> items;
    const bool object = kind == 6;
    for (uint64_t i = rng_.Below(4); i > 0; --i) {
      items.push_back((object ? Key("k", i) + Colon() : "") + Value(depth + 1));
    }
    std::string out;
    Container(out, object ? '{' : '[', object ? '}' : ']', items, depth);
    return out;
  }

  std::string Key(const char* stem, uint64_t i) {
    return base::JsonQuote(stem + std::to_string(i));
  }
  std::string Colon() { return rng_.Below(4) == 0 ? " : " : ": "; }

  void Container(std::string& out, char open, char close, const std::vector<std::string>& items,
                 size_t depth) {
    out.push_back(open);
    // White space with a break in an empty container is what only a record can
    // give back; see the test of the installer.
    if (items.empty()) {
      if (rng_.Below(4) == 0) out += " ";
      if (shape_.comments && rng_.Below(4) == 0) out += "/* none */ ";
      out.push_back(close);
      return;
    }
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out += rng_.Below(9) == 0 ? " ," : ",";
      Space(out, depth + 1);
      out += items[i];
    }
    Space(out, depth);
    out.push_back(close);
  }

  void Space(std::string& out, size_t depth) {
    if (shape_.comments && rng_.Below(6) == 0) out += " // a note, with {braces}" + newline_;
    if (shape_.comments && rng_.Below(6) == 0) out += " /* one" + newline_ + " more */";
    if (loose_ && rng_.Below(3) == 0) {
      out += rng_.Below(2) == 0 ? " " : "";
      return;
    }
    out += newline_;
    for (size_t i = 0; i < depth; ++i) out += unit_;
  }

  base::Rng rng_;
  SettingsShape shape_;
  std::string unit_, newline_;
  bool loose_ = false;
};

}  // namespace selftune::install::testing

#include "eval/query_features.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/strings.h"

namespace selftune::eval {
namespace {

constexpr std::string_view kExtensions[] = {
    "pdf", "doc",   "docx", "xls",    "xlsx",   "xlsm", "csv",   "tsv", "ppt",  "pptx",  "odt",
    "ods", "odp",   "rtf",  "txt",    "md",     "mdx",  "rst",   "tex", "json", "jsonl", "yaml",
    "yml", "toml",  "xml",  "html",   "htm",    "css",  "scss",  "js",  "jsx",  "mjs",   "cjs",
    "ts",  "tsx",   "vue",  "svelte", "astro",  "py",   "ipynb", "rb",  "rs",   "go",    "java",
    "kt",  "swift", "c",    "h",      "cc",     "cpp",  "hpp",   "cs",  "php",  "sh",    "bash",
    "zsh", "ps1",   "sql",  "db",     "sqlite", "log",  "env",   "ini", "cfg",  "conf",  "lock",
    "png", "jpg",   "jpeg", "gif",    "svg",    "webp", "mp3",   "mp4", "mov",  "wav",   "zip",
    "tar", "gz",    "tgz",  "parquet"};

// "node.js" is a library, not a file.
constexpr std::string_view kJsLibraries[] = {"node",     "next",  "vue",    "nuxt",  "react",
                                             "express",  "three", "d3",     "chart", "ember",
                                             "backbone", "asp",   "socket", "deno",  "moment"};

constexpr std::string_view kDays[] = {
    "today",    "tonight", "tomorrow", "yesterday", "monday",  "tuesday",  "wednesday",
    "thursday", "friday",  "saturday", "sunday",    "january", "february", "april",
    "june",     "july",    "august",   "september", "october", "november", "december"};
constexpr std::string_view kPeriods[] = {"week",  "month",   "quarter", "year",
                                         "night", "morning", "weekday"};

// Capitalised words that name no particular thing.
constexpr std::string_view kCommonNames[] = {
    "The",   "This",   "That",   "These",  "Those", "And",    "But",        "When",
    "Then",  "For",    "Our",    "Your",   "They",  "Are",    "Can",        "Could",
    "Would", "Should", "Please", "Also",   "After", "Before", "English",    "PDF",
    "REST",  "API",    "JSON",   "CSV",    "HTML",  "CSS",    "URL",        "MCP",
    "UI",    "UX",     "FAQ",    "SQL",    "CLI",   "SDK",    "Claude",     "Codex",
    "Word",  "Excel",  "Slack",  "GitHub", "Git",   "Python", "TypeScript", "JavaScript"};

bool IsCommonName(std::string_view word) {
  return std::find(std::begin(kCommonNames), std::end(kCommonNames), word) !=
         std::end(kCommonNames);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }

// Calls `accept(begin, end)` for each run of word characters; true as soon as
// one is accepted.
template <typename Accept>
bool AnyWord(std::string_view text, Accept accept) {
  size_t i = 0;
  while (i < text.size()) {
    if (!IsWordChar(text[i])) {
      ++i;
      continue;
    }
    const size_t begin = i;
    while (i < text.size() && IsWordChar(text[i])) ++i;
    if (accept(begin, i)) return true;
  }
  return false;
}

std::string_view PreviousWord(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end > 0 && base::IsSpace(text[end - 1])) --end;
  size_t from = end;
  while (from > 0 && IsWordChar(text[from - 1])) --from;
  return end < begin ? text.substr(from, end - from) : std::string_view();
}

std::string_view NextWord(std::string_view text, size_t end) {
  size_t begin = end;
  while (begin < text.size() && base::IsSpace(text[begin])) ++begin;
  size_t to = begin;
  while (to < text.size() && IsWordChar(text[to])) ++to;
  return begin > end ? text.substr(begin, to - begin) : std::string_view();
}

// "2026-11" and "2026-11-25" at `begin`.
bool IsIsoDate(std::string_view text, size_t begin, size_t end) {
  const auto digits = [&](size_t at, size_t n) {
    if (at + n > text.size()) return false;
    for (size_t i = at; i < at + n; ++i) {
      if (!IsDigit(text[i])) return false;
    }
    return at + n == text.size() || !IsWordChar(text[at + n]);
  };
  return end - begin == 4 && digits(begin, 4) && end < text.size() && text[end] == '-' &&
         digits(end + 1, 2);
}

// "5pm", "11 am".
bool IsClockTime(std::string_view text, size_t begin, size_t end) {
  size_t i = begin;
  while (i < end && IsDigit(text[i])) ++i;
  const size_t count = i - begin;
  if (count == 0 || count > 2) return false;
  const std::string_view unit = i < end ? text.substr(i, end - i) : NextWord(text, end);
  return base::EqualsIgnoreCase(unit, "am") || base::EqualsIgnoreCase(unit, "pm");
}

bool StartsWithDigit(std::string_view word) { return !word.empty() && IsDigit(word[0]); }

// May and March are words, too: only dates count.
bool IsMonthInContext(std::string_view text, size_t begin, size_t end) {
  const std::string_view word = text.substr(begin, end - begin);
  if (word != "May" && word != "March") return false;
  std::string_view previous = PreviousWord(text, begin);
  if (base::EqualsIgnoreCase(previous, "of")) {  // "the 5th of May"
    const auto at = static_cast<size_t>(previous.data() - text.data());
    if (StartsWithDigit(PreviousWord(text, at))) return true;
  }
  constexpr std::string_view kIntroductions[] = {"in", "by", "until", "since", "during"};
  return StartsWithDigit(previous) || StartsWithDigit(NextWord(text, end)) ||
         IsOneOf(previous, kIntroductions);
}

bool IsTimeWord(std::string_view text, size_t begin, size_t end) {
  const std::string_view word = text.substr(begin, end - begin);
  if (IsOneOf(word, kDays)) return true;
  if (word.size() == 2 && base::ToLower(word[0]) == 'q' && word[1] >= '1' && word[1] <= '4') {
    return true;
  }
  if (IsOneOf(word, kPeriods)) {
    constexpr std::string_view kWhich[] = {"next", "last", "this"};
    return IsOneOf(PreviousWord(text, begin), kWhich);
  }
  return IsClockTime(text, begin, end) || IsIsoDate(text, begin, end) ||
         IsMonthInContext(text, begin, end);
}

// Only a list marker stands between the line start and `at`: "- ", "2. ".
bool AfterListMarker(std::string_view text, size_t at) {
  size_t line = at;
  while (line > 0 && text[line - 1] != '\n') --line;
  std::string_view marker = base::Trim(text.substr(line, at - line));
  if (marker.empty()) return true;
  if (marker == "-" || marker == "*" || marker == "+" || marker == "\u2022") return true;
  if (marker.back() != '.' && marker.back() != ')') return false;
  marker.remove_suffix(1);
  return !marker.empty() && marker.size() <= 3 &&
         std::all_of(marker.begin(), marker.end(), IsDigit);
}

// Does a capital at `at` only mark the beginning of a sentence or a quote?
bool BeginsSentence(std::string_view text, size_t at) {
  const std::string_view before = text.substr(0, at);
  if (std::none_of(before.begin(), before.end(), IsWordChar)) return true;
  const char last = before.back();
  if (last == '"' || last == '\'' || last == '`' || last == '(' || last == '[' || last == '{' ||
      before.ends_with("\u201C") || before.ends_with("\u2018") || before.ends_with("\u00AB")) {
    return true;
  }
  if (!base::IsSpace(last)) return false;
  const std::string_view head = base::Trim(before);
  constexpr std::string_view kEnds = ".!?:;";
  if (!head.empty() && kEnds.find(head.back()) != std::string_view::npos) return true;
  return AfterListMarker(text, at);
}

}  // namespace

bool IsWordChar(char c) { return IsUpper(c) || IsLower(c) || IsDigit(c) || c == '_'; }

bool IsOneOf(std::string_view word, std::span<const std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view w) { return base::EqualsIgnoreCase(word, w); });
}

bool IsKnownExtension(std::string_view word) { return IsOneOf(word, kExtensions); }

bool HasAddress(std::string_view query) {
  for (const std::string_view word : base::SplitSpace(query)) {
    const std::string lower = base::AsciiLower(word);
    if (lower.find("http://") != std::string::npos || lower.find("https://") != std::string::npos) {
      return true;
    }
    const size_t at = word.find('@');
    if (at == std::string_view::npos || at == 0) continue;
    const size_t dot = word.find('.', at + 2);
    if (dot != std::string_view::npos && word.size() - dot > 2) return true;
  }
  return false;
}

bool HasFileName(std::string_view query) {
  return AnyWord(query, [&](size_t begin, size_t end) {
    if (begin < 2 || query[begin - 1] != '.') return false;
    size_t stem = begin - 1;
    while (stem > 0 && (IsWordChar(query[stem - 1]) || query[stem - 1] == '-')) --stem;
    if (stem == begin - 1) return false;
    const std::string_view extension = query.substr(begin, end - begin);
    if (!IsKnownExtension(extension)) return false;
    return !(base::EqualsIgnoreCase(extension, "js") &&
             IsOneOf(query.substr(stem, begin - 1 - stem), kJsLibraries));
  });
}

bool HasPath(std::string_view query) {
  const auto in_segment = [](char c) { return IsWordChar(c) || c == '.' || c == '-'; };
  size_t folders = 0;
  size_t segment = 0;  // length of the current one
  for (const char c : query) {
    if (in_segment(c)) {
      ++segment;
      if (folders >= 2) return true;
    } else if (c == '/' && segment > 0) {
      ++folders;
      segment = 0;
    } else {
      folders = 0;
      segment = 0;
    }
  }
  return false;
}

bool HasTime(std::string_view query) {
  return AnyWord(query, [&](size_t begin, size_t end) { return IsTimeWord(query, begin, end); });
}

bool HasProperNoun(std::string_view query) {
  return AnyWord(query, [&](size_t begin, size_t end) {
    const std::string_view word = query.substr(begin, end - begin);
    const bool shaped =
        word.size() >= 3 && IsUpper(word[0]) && std::all_of(word.begin() + 1, word.end(), IsLower);
    return shaped && !IsCommonName(word) && !BeginsSentence(query, begin);
  });
}

bool HasLongNumber(std::string_view query) {
  return AnyWord(query, [&](size_t begin, size_t end) {
    const std::string_view word = query.substr(begin, end - begin);
    return word.size() >= 2 && std::all_of(word.begin(), word.end(), IsDigit);
  });
}

bool HasAcronym(std::string_view query) {
  return AnyWord(query, [&](size_t begin, size_t end) {
    const std::string_view word = query.substr(begin, end - begin);
    return word.size() >= 2 && std::all_of(word.begin(), word.end(), IsUpper) &&
           !IsCommonName(word);
  });
}

}  // namespace selftune::eval

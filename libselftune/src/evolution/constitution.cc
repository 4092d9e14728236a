#include "evolution/constitution.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"
#include "base/utf8.h"
#include "eval/classify.h"
#include "eval/hygiene.h"
#include "eval/injection.h"
#include "eval/query_features.h"
#include "evolution/dotted_names.h"
#include "evolution/text_rules.h"
#include "llm/redact.h"

namespace selftune::evolution {
namespace {

constexpr size_t kMaxChars = 1024;  // the Agent Skills limit
constexpr size_t kLongChars = 600;  // hosts with small listings cut here
constexpr double kMinRatio = 0.3;
constexpr double kMaxRatio = 3.0;
constexpr size_t kRatioFromWords = 8;
constexpr size_t kMaxListItems = 12;
constexpr int kMaxRepeats = 3;

constexpr std::string_view kQuantifiers[] = {"all",      "any",        "every",    "everything",
                                             "anything", "everywhere", "whatever", "always use"};
constexpr std::string_view kSteering[] = {
    "must always",      "disregard",      "always load",      "load this",
    "always invoke",    "always call",    "before answering", "before doing anything",
    "instead of other", "skip the other", "no matter what"};
// The same, unless they are what the skill itself is about.
constexpr std::string_view kSteeringUnlessKnown[] = {"ignore", "system prompt"};
// Words of steering that honest descriptions have as well: a person decides.
constexpr std::string_view kDoubtful[] = {"overrides", "other skills"};
// Programs of a command line that are hardly words of a description.
constexpr std::string_view kCommands[] = {
    "curl",   "wget", "sudo",    "chmod",    "chown",      "rm",        "ssh",     "scp",
    "bash",   "zsh",  "npm",     "npx",      "pip",        "pipx",      "brew",    "netcat",
    "base64", "mkfs", "apt-get", "git push", "powershell", "osascript", "crontab", "systemctl"};
constexpr std::string_view kShell[] = {"&&", "||", ";;",   "$(",  "${",     ">>",
                                       "<<", "|&", "| sh", "|sh", "| bash", "|bash"};
// Shouted words that are no names.
constexpr std::string_view kShouted[] = {"USE",  "WHEN", "NOT",  "DO",   "NEVER", "ALWAYS", "MUST",
                                         "ONLY", "AND",  "OR",   "IF",   "FOR",   "THE",    "ANY",
                                         "ALL",  "THIS", "ALSO", "WITH", "DONT",  "SHOULD"};

// Ends with ':' and opens something else than a page of the web.
constexpr std::string_view kSchemes[] = {
    "javascript:", "vbscript:", "data:", "file:", "mailto:", "ssh:", "tel:", "blob:", "about:"};
// Letters of other alphabets that look like Latin ones.
constexpr std::string_view kLookalikes = "аеорсухіјѕһАВЕКМНОРСТХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοι";

// Every rule but those of size and characters sees what a reader sees.
ConstitutionInput AsRead(const ConstitutionInput& input) {
  ConstitutionInput out = input;
  out.original = base::PlainForm(input.original);
  out.proposed = base::PlainForm(input.proposed);
  out.body = base::PlainForm(input.body);
  for (std::string& text : out.rejected) text = base::PlainForm(text);
  for (std::string& text : out.passing_queries) text = base::PlainForm(text);
  return out;
}

bool IsLookalike(uint32_t c) {
  size_t pos = 0;
  while (pos < kLookalikes.size()) {
    if (base::NextCodePoint(kLookalikes, pos) == c) return true;
  }
  return false;
}

class Checker {
 public:
  explicit Checker(const ConstitutionInput& input) : raw_(input), in_(AsRead(input)) {}

  std::vector<Violation> Run() {
    Size();
    Chars();
    Lines();
    Alphabets();
    Tags();
    Broadening();
    Anchors();
    Steering();
    Identity();
    NoveltyAndRestatement();
    Stuffing();
    return std::move(out_);
  }

 private:
  void Add(std::string_view id, std::string message) { out_.push_back({id, std::move(message)}); }

  void Size() {
    const size_t chars = base::CountCodePoints(raw_.proposed);
    if (chars < 1 || chars > kMaxChars) {
      Add("size.chars", fmt::format("Size: {} characters, allowed are 1 to {}", chars, kMaxChars));
    }
    const size_t before = base::SplitSpace(in_.original).size();
    if (!in_.original_from_frontmatter || before < kRatioFromWords) return;
    const size_t after = base::SplitSpace(in_.proposed).size();
    const double ratio = static_cast<double>(after) / static_cast<double>(before);
    if (ratio < kMinRatio || ratio > kMaxRatio) {
      Add("size.ratio", fmt::format("Size: {} words replace {}, the ratio must be {} to {}", after,
                                    before, kMinRatio, kMaxRatio));
    }
  }

  static bool IsForbiddenChar(uint32_t c) {
    const bool control = (c < 0x20 && c != '\n') || (c >= 0x7F && c < 0xA0);
    return control || c == 0x2028 || c == 0x2029 || c == 0xFEFF || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
  }

  void Chars() {
    if (!base::IsValidUtf8(raw_.proposed)) {
      Add("chars", "Characters: not valid UTF-8");
      return;
    }
    bool blank = true;
    size_t pos = 0;
    while (pos < raw_.proposed.size()) {
      const size_t at = pos;
      const uint32_t c = base::NextCodePoint(raw_.proposed, pos);
      if (IsForbiddenChar(c)) {
        Add("chars", fmt::format("Characters: U+{:04X} at byte {}", c, at));
        return;
      }
      blank = blank && base::IsUnicodeSpace(c);
    }
    if (blank) Add("chars", "Characters: blank");
  }

  // Readers that look for the end of the frontmatter by line would find it there.
  void Lines() {
    for (const std::string_view line : base::Split(in_.proposed, '\n')) {
      const std::string_view text = base::Trim(line);
      if (text != "---" && text != "...") continue;
      Add("chars", fmt::format("Characters: a line \"{}\" ends the frontmatter", text));
      return;
    }
  }

  // "Ignоre" with one letter of another alphabet is not the word that it looks like.
  void Alphabets() {
    for (const std::string_view word : base::SplitSpace(in_.proposed)) {
      const bool latin = std::any_of(word.begin(), word.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      });
      size_t pos = 0;
      while (latin && pos < word.size()) {
        if (!IsLookalike(base::NextCodePoint(word, pos))) continue;
        Add("chars", fmt::format("Characters: \"{}\" mixes alphabets", word));
        return;
      }
    }
  }

  void Tags() {
    const size_t at = in_.proposed.find_first_of("<>");
    if (at == std::string::npos) return;
    Add("tags", fmt::format("XML injection: angle bracket at byte {}", at));
  }

  // Does an enumeration follow in the rest of the sentence?
  static bool Enumerates(std::string_view rest) {
    for (const std::string_view marker : {"including", "such as", "like"}) {
      if (HasPhrase(rest, marker)) return true;
    }
    if (rest.find("e.g.") != std::string_view::npos) return true;
    for (size_t i = rest.find(','); i != std::string_view::npos; i = rest.find(',', i + 1)) {
      size_t j = i + 1;
      while (j < rest.size() && base::IsSpace(rest[j])) ++j;
      const size_t word = j;
      while (j < rest.size() && IsItemChar(rest[j])) ++j;
      if (j == word) continue;
      while (j < rest.size() && base::IsSpace(rest[j])) ++j;
      if (j < rest.size() && rest[j] == ',') return true;
    }
    return false;
  }

  static bool IsItemChar(char c) {
    return eval::IsWordChar(c) || static_cast<unsigned char>(c) >= 0x80;
  }

  void Broadening() {
    for (const std::string_view sentence : Sentences(in_.proposed)) {
      for (const std::string_view word : kQuantifiers) {
        for (size_t at = FindPhrase(sentence, word); at != std::string_view::npos;
             at = FindPhrase(sentence, word, at + 1)) {
          if (Enumerates(sentence.substr(at + word.size()))) continue;
          const auto position = sentence.data() - in_.proposed.data() + static_cast<ptrdiff_t>(at);
          Add("broaden",
              fmt::format("Unbounded broadening: \"{}\" at position {} without enumeration "
                          "qualifier",
                          word, position));
        }
      }
    }
  }

  void NeedAnchor(std::string_view what, std::string_view anchor) {
    const std::string message = fmt::format("Anchor: {} \"{}\" is missing", what, anchor);
    const bool known = std::any_of(out_.begin(), out_.end(),
                                   [&](const Violation& v) { return v.message == message; });
    if (!known) Add("anchors", message);
  }

  void Anchors() {
    if (HasPhrase(in_.original, "use when") && !HasPhrase(in_.proposed, "use when")) {
      NeedAnchor("phrase", "USE WHEN");
    }
    DollarAnchors();
    ExtensionAnchors();
    CodeAnchors();
    NameAnchors();
  }

  void DollarAnchors() {
    const std::string& text = in_.original;
    for (size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at + 1)) {
      size_t end = at + 1;
      while (end < text.size() && (eval::IsWordChar(text[end]) || text[end] == '-')) ++end;
      const std::string_view token = std::string_view(text).substr(at, end - at);
      if (token.size() > 1 && in_.proposed.find(token) == std::string::npos) {
        NeedAnchor("token", token);
      }
    }
  }

  // ".xlsx" alone or at the end of a file name; "e.g." and "3.5" are neither.
  void ExtensionAnchors() {
    const std::string_view text = in_.original;
    for (size_t at = text.find('.'); at != std::string_view::npos; at = text.find('.', at + 1)) {
      size_t end = at + 1;
      bool letter = false;
      while (end < text.size() && eval::IsWordChar(text[end])) {
        letter = letter || (text[end] >= 'a' && text[end] <= 'z');
        ++end;
      }
      const std::string_view extension = text.substr(at + 1, end - at - 1);
      const bool lower = base::AsciiLower(extension) == extension;
      if (!letter || !lower || extension.size() > 5 || extension.find('_') != extension.npos) {
        continue;
      }
      const bool in_name = at > 0 && eval::IsWordChar(text[at - 1]);
      if (in_name && !eval::IsKnownExtension(extension)) continue;
      if (!HasPhrase(in_.proposed, extension)) NeedAnchor("extension", text.substr(at, end - at));
    }
  }

  void CodeAnchors() {
    const std::string_view text = in_.original;
    size_t open = text.find('`');
    while (open != std::string_view::npos) {
      const size_t close = text.find('`', open + 1);
      if (close == std::string_view::npos) return;
      const std::string_view code = base::Trim(text.substr(open + 1, close - open - 1));
      const bool identifier =
          !code.empty() && std::none_of(code.begin(), code.end(), base::IsSpace);
      if (identifier &&
          base::AsciiLower(in_.proposed).find(base::AsciiLower(code)) == std::string::npos) {
        NeedAnchor("identifier", code);
      }
      open = text.find('`', close + 1);
    }
  }

  // Names that the description shares with a query it catches today.
  void NameAnchors() {
    for (const std::string_view sentence : Sentences(in_.original)) {
      size_t i = 0;
      bool first = true;
      while (i < sentence.size()) {
        if (!eval::IsWordChar(sentence[i])) {
          ++i;
          continue;
        }
        const size_t begin = i;
        while (i < sentence.size() && eval::IsWordChar(sentence[i])) ++i;
        const std::string_view word = sentence.substr(begin, i - begin);
        if (IsName(word, first) && !HasPhrase(in_.proposed, word) && InPassingQuery(word)) {
          NeedAnchor("name", word);
        }
        first = false;
      }
    }
  }

  // A capitalised word inside a sentence, or one with inner capitals.
  static bool IsName(std::string_view word, bool first) {
    const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    const auto capitals = std::count_if(word.begin(), word.end(), is_upper);
    if (word.size() < 2 || capitals == 0) return false;
    if (std::find(std::begin(kShouted), std::end(kShouted), word) != std::end(kShouted)) {
      return false;
    }
    const bool inner = capitals > 1 || !is_upper(word[0]);
    return inner || (!first && word.size() >= 3);
  }

  [[nodiscard]] bool InPassingQuery(std::string_view word) const {
    return std::any_of(in_.passing_queries.begin(), in_.passing_queries.end(),
                       [&](const std::string& query) { return HasPhrase(query, word); });
  }

  // "(https://a.example/x)," without what only surrounds it.
  static std::string_view Bare(std::string_view word) {
    const auto outer = [](char c) { return !IsItemChar(c) && c != '/'; };
    while (!word.empty() && outer(word.back())) word.remove_suffix(1);
    while (!word.empty() && outer(word.front())) word.remove_prefix(1);
    return word;
  }

  static bool IsLink(std::string_view word) {
    if (word.find("://") != std::string_view::npos || word.find("www.") != std::string_view::npos) {
      return true;
    }
    return std::any_of(std::begin(kSchemes), std::end(kSchemes), [&](std::string_view scheme) {
      const size_t at = word.find(scheme);
      const bool begins = at == 0 || (at != std::string_view::npos && !IsItemChar(word[at - 1]));
      return begins && word.size() > at + scheme.size();
    });
  }

  void Steering() {
    for (const std::string_view phrase : kSteering) {
      if (HasPhrase(in_.proposed, phrase) && !HasPhrase(in_.original, phrase)) {
        Add("steering", fmt::format("Steering: \"{}\"", phrase));
      }
    }
    for (const std::string_view phrase : kSteeringUnlessKnown) {
      if (!HasPhrase(in_.proposed, phrase) || HasPhrase(in_.original, phrase) ||
          HasPhrase(in_.body, phrase)) {
        continue;
      }
      Add("steering", fmt::format("Steering: \"{}\" is not in the skill", phrase));
    }
    for (const std::string_view word : base::SplitSpace(in_.proposed)) {
      const bool address = eval::HasAddress(word) || IsLink(base::AsciiLower(word));
      if (address && in_.original.find(Bare(word)) == std::string::npos) {
        Add("steering", fmt::format("Steering: link or address \"{}\"", word));
      }
    }
    // One that the present text has is that skill's subject: see ReviewReasons.
    if (eval::IsInjection(in_.proposed) && !eval::IsInjection(in_.original)) {
      Add("steering", "Steering: an instruction to the reader instead of a description");
    }
    for (const std::string_view mark : kShell) {
      if (in_.proposed.find(mark) != std::string::npos &&
          in_.original.find(mark) == std::string::npos) {
        Add("steering", fmt::format("Steering: shell syntax \"{}\"", mark));
        break;
      }
    }
    if (llm::HasSecret(in_.proposed)) Add("steering", "Steering: holds a secret");
  }

  void Identity() {
    for (const std::string& other : in_.other_skills) {
      if (base::EqualsIgnoreCase(other, in_.skill)) continue;
      if (Names(in_.proposed, other) && !Names(in_.original, other)) {
        Add("identity", fmt::format("Identity: names the skill \"{}\"", other));
      }
    }
  }

  static bool Names(std::string_view text, std::string_view skill) {
    return eval::ClassifyInvocation(text, skill).type == eval::InvocationType::kExplicit;
  }

  void NoveltyAndRestatement() {
    const std::string folded = base::CollapseSpace(in_.proposed);
    if (folded == base::CollapseSpace(in_.original)) {
      Add("novelty", "Novelty: equals the present description");
      return;
    }
    for (const std::string& text : in_.rejected) {
      if (folded != base::CollapseSpace(text)) continue;
      Add("novelty", "Novelty: was rejected before");
      break;
    }
    const auto as_set = [](std::string_view text) {
      std::vector<std::string> words = ContentWords(text);
      std::sort(words.begin(), words.end());
      words.erase(std::unique(words.begin(), words.end()), words.end());
      return words;
    };
    const std::vector<std::string> words = as_set(in_.proposed);
    if (!words.empty() && words == as_set(in_.original)) {
      Add("restate", "Restatement: the same content words as the present description");
    }
  }

  static std::map<std::string, int> Counts(std::string_view text) {
    std::map<std::string, int> counts;
    for (const std::string& word : ContentWords(text)) ++counts[word];
    return counts;
  }

  void Stuffing() {
    const size_t items = LongestList(in_.proposed);
    if (items > kMaxListItems && LongestList(in_.original) <= kMaxListItems) {
      Add("stuffing", fmt::format("Stuffing: a list of {} items", items));
    }
    const std::map<std::string, int> before = Counts(in_.original);
    for (const auto& [word, count] : Counts(in_.proposed)) {
      const auto known = before.find(word);
      const bool repeated_before = known != before.end() && known->second > kMaxRepeats;
      if (count > kMaxRepeats && !repeated_before) {
        Add("stuffing", fmt::format("Stuffing: \"{}\" occurs {} times", word, count));
      }
    }
  }

  const ConstitutionInput& raw_;
  const ConstitutionInput in_;
  std::vector<Violation> out_;
};

}  // namespace

std::vector<Violation> CheckConstitution(const ConstitutionInput& input) {
  return Checker(input).Run();
}

std::vector<Violation> ReviewReasons(const ConstitutionInput& given) {
  const ConstitutionInput input = AsRead(given);
  std::vector<Violation> out;
  const auto is_new = [&](std::string_view phrase) {
    return HasPhrase(input.proposed, phrase) && !HasPhrase(input.original, phrase) &&
           !HasPhrase(input.body, phrase);
  };
  for (const std::string_view command : kCommands) {
    if (!is_new(command)) continue;
    out.push_back({"command", fmt::format("Command: \"{}\" is not in the skill", command)});
  }
  for (const std::string_view phrase : kDoubtful) {
    if (!is_new(phrase)) continue;
    out.push_back({"steering", fmt::format("Steering: \"{}\" is not in the skill", phrase)});
  }
  for (const DottedName& found : DottedNames(input.proposed)) {
    if (!MayBeHost(found) || HasDottedName(input.original, found.name) ||
        HasDottedName(input.body, found.name)) {
      continue;
    }
    out.push_back({"link", fmt::format("Link: \"{}\" may be an address and is not in the skill",
                                       found.name)});
  }
  for (const std::string_view sentence : Sentences(input.proposed)) {
    if (!eval::IsInjection(sentence) || HasPhrase(input.original, sentence)) continue;
    out.push_back(
        {"steering", fmt::format("Steering: \"{}\" reads like an instruction", sentence)});
  }
  return out;
}

std::vector<Violation> ConstitutionWarnings(const ConstitutionInput& input) {
  std::vector<Violation> out;
  const size_t chars = base::CountCodePoints(input.proposed);
  if (chars > kLongChars && chars <= kMaxChars) {
    out.push_back({"size.chars", fmt::format("Size: {} characters; above {} some hosts show less",
                                             chars, kLongChars)});
  }
  return out;
}

}  // namespace selftune::evolution

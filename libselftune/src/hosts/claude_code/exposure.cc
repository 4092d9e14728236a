#include "hosts/claude_code/exposure.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace selftune::hosts::claude_code {
namespace {

using ingest::Listing;
using ingest::ListingEntry;

constexpr std::string_view kEllipsis = "\xE2\x80\xA6";  // the host's sign of a cut

// Is `line` "- NAME" or "- NAME: ..."?
bool StartsEntry(std::string_view line, std::string_view name) {
  if (!line.starts_with("- ") || !line.substr(2).starts_with(name)) return false;
  const size_t end = 2 + name.size();
  const std::string_view rest = line.substr(end);
  return rest.empty() || rest == ":" || rest.starts_with(": ");
}

// The name of a line whose listing gives no names: up to ": ", or the line.
std::string_view GuessName(std::string_view line) {
  if (!line.starts_with("- ")) return {};
  const std::string_view rest = line.substr(2);
  std::string_view name = rest.substr(0, rest.find(": "));
  if (name.size() == rest.size() && name.ends_with(':')) name.remove_suffix(1);
  return name.find(' ') == std::string_view::npos ? name : std::string_view();
}

class Parser {
 public:
  Parser(const std::vector<std::string_view>& lines, const std::vector<std::string>& names)
      : lines_(lines), names_(names), seen_(names.size(), false) {}

  std::vector<ListingEntry> Run() && {
    for (size_t i = 0; i < lines_.size(); ++i) {
      const std::string_view name = NameAt(i);
      if (!name.empty()) {
        Begin(lines_[i], name);
      } else if (!entries_.empty()) {
        std::string& text = entries_.back().description;
        text.append("\n").append(lines_[i]);
      }
    }
    for (ListingEntry& entry : entries_) Close(entry);
    AddUnseen();
    return std::move(entries_);
  }

 private:
  // The entry that begins at line `i`. Entries come in the order of the names;
  // a line that looks like a later one is text while the next is to come.
  std::string_view NameAt(size_t i) {
    if (names_.empty()) return GuessName(lines_[i]);
    if (!lines_[i].starts_with("- ")) return {};
    for (size_t n = next_; n < names_.size(); ++n) {
      if (!StartsEntry(lines_[i], names_[n])) continue;
      if (n > next_ && ComesLater(i + 1, names_[next_])) return {};
      seen_[n] = true;
      next_ = n + 1;
      return names_[n];
    }
    return {};
  }

  [[nodiscard]] bool ComesLater(size_t from, std::string_view name) const {
    return std::any_of(lines_.begin() + static_cast<std::ptrdiff_t>(from), lines_.end(),
                       [&](std::string_view line) { return StartsEntry(line, name); });
  }

  void Begin(std::string_view line, std::string_view name) {
    ListingEntry& entry = entries_.emplace_back();
    entry.name = name;
    std::string_view text = line.substr(2 + name.size());
    if (text.starts_with(':')) text.remove_prefix(1);
    if (text.starts_with(' ')) text.remove_prefix(1);
    entry.description = text;
  }

  static void Close(ListingEntry& entry) {
    while (entry.description.ends_with('\n')) entry.description.pop_back();
    entry.has_description = !entry.description.empty();
    entry.state = !entry.has_description                   ? ExposureState::kNameOnly
                  : entry.description.ends_with(kEllipsis) ? ExposureState::kTruncated
                                                           : ExposureState::kFull;
  }

  // Names without a line of their own.
  void AddUnseen() {
    for (size_t n = 0; n < names_.size(); ++n) {
      if (seen_[n] || names_[n].empty()) continue;
      ListingEntry& entry = entries_.emplace_back();
      entry.name = names_[n];
      entry.state = ExposureState::kNameOnly;
    }
  }

  const std::vector<std::string_view>& lines_;
  const std::vector<std::string>& names_;
  std::vector<bool> seen_;
  size_t next_ = 0;
  std::vector<ListingEntry> entries_;
};

std::vector<std::string> Strings(std::string_view array) {
  std::vector<std::string> out;
  ForEachString(array, [&](RawText text) { out.push_back(text.ToString()); });
  return out;
}

std::shared_ptr<const Listing> Parse(const ListingRecord& record) {
  const std::string content = record.content.ToString();
  const std::vector<std::string> added_lines = Strings(record.added_lines);
  std::vector<std::string> names = Strings(record.names);
  for (std::string& name : Strings(record.added_names)) names.push_back(std::move(name));
  std::vector<std::string_view> lines;
  if (!content.empty()) lines = base::Split(content, '\n');
  for (const std::string& text : added_lines) {
    for (const std::string_view line : base::Split(text, '\n')) lines.push_back(line);
  }
  auto listing = std::make_shared<Listing>();
  listing->entries = Parser(lines, names).Run();
  for (std::string& name : Strings(record.removed_names)) {
    ListingEntry& entry = listing->entries.emplace_back();
    entry.name = std::move(name);
    entry.state = ExposureState::kAbsent;
  }
  return listing;
}

// The parts of a record that decide its listing, as one text.
std::string KeyOf(const ListingRecord& record) {
  std::string key;
  for (const std::string_view part : {record.content.escaped(), record.names, record.added_names,
                                      record.added_lines, record.removed_names}) {
    key.append(part).push_back('\0');
  }
  return key;
}

// Listings read last: sessions of one day show the same one. Thread-safe. Not a
// variable of each thread: to register its destructor may fail without memory,
// which ends the process.
class ListingCache {
 public:
  std::shared_ptr<const Listing> Find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return entry.key == key; });
    if (found == entries_.end()) return nullptr;
    std::rotate(entries_.begin(), found, found + 1);
    return entries_.front().listing;
  }

  void Add(std::string key, std::shared_ptr<const Listing> listing) {
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= kEntries) entries_.pop_back();
    entries_.insert(entries_.begin(), Entry{std::move(key), std::move(listing)});
  }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const Listing> listing;
  };
  static constexpr size_t kEntries = 16;

  std::mutex mutex_;
  std::vector<Entry> entries_;  // most recently used first
};

std::shared_ptr<const Listing> Cached(const ListingRecord& record) {
  static auto* const cache = new ListingCache;  // readers may outlive static objects
  std::string key = KeyOf(record);
  std::shared_ptr<const Listing> listing = cache->Find(key);
  if (listing == nullptr) {
    listing = Parse(record);
    cache->Add(std::move(key), listing);
  }
  return listing;
}

}  // namespace

bool IsListing(const Record& record) {
  return record.type == RecordType::kAttachment &&
         (record.attachment_type.Is("skill_listing") ||
          record.attachment_type.Is("skill_listing_delta"));
}

ListingChange ReadListing(const Record& record, bool known) {
  const ListingRecord& listing = record.listing;
  if (!listing.content.present() && listing.names.empty() && listing.added_names.empty() &&
      listing.added_lines.empty() && listing.removed_names.empty()) {
    return {};
  }
  ListingChange change;
  const bool removes = !listing.removed_names.empty() && listing.removed_names != "[]";
  change.is_delta =
      known &&
      (!listing.initial.value_or(!record.attachment_type.Is("skill_listing_delta")) || removes);
  change.listing = Cached(listing);
  return change;
}

}  // namespace selftune::hosts::claude_code

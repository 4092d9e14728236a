// The list of skills a host puts before the model: how much room it has, how
// much the installed skills would take, and who is cut. Computed from the files
// and the host's row; what a session was really shown is evidence beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "hosts/registry.h"
#include "skillfs/discovery.h"

namespace selftune::status {

struct ListingLimit {
  std::optional<int64_t> chars;  // of all lines; empty = not known
  std::string basis;             // where it comes from
  int64_t max_description = 0;   // 0 = no limit known
};

// From the row, the host's settings file and, for a share of the window, its
// size; without a size the host's usual limit holds. A setting that cannot be
// read counts as absent.
[[nodiscard]] ListingLimit ReadListingLimit(const hosts::HostRow& row, const base::Environment& env,
                                            std::optional<int64_t> context_tokens);

// One skill as a host would list it. Lengths are code points.
struct ListedLine {
  std::string name, path, scope;
  bool managed = false;           // by a plugin, the host or an administrator
  bool explicit_only = false;     // the host leaves it out: only a command loads it
  std::string unknown_by = {};    // settings that may switch it off: they are not understood
  int64_t description_chars = 0;  // of the file
  int64_t uses = 0;
  // Made by CutListing.
  int64_t chars = 0;                   // of the line without a limit of the listing
  std::optional<int64_t> shown;        // of the line after the cut
  std::string_view state = "unknown";  // full truncated name_only absent explicit_only

  [[nodiscard]] bool cut() const {
    return state == "truncated" || state == "name_only" || state == "absent";
  }
  // Uses per character; empty for what is not listed.
  [[nodiscard]] std::optional<double> Value() const;
};

// What this host finds, does not hide behind an equal name and has not switched off in
// its settings for a session in `cwd` ("" = in no project), by name. Where it is not known
// whether they do, it counts.
[[nodiscard]] std::vector<ListedLine> LinesOf(const hosts::HostRow& row,
                                              const skillfs::Discovery& discovery,
                                              std::string_view cwd = "");

// Characters of a line with a description of this length, its end included.
[[nodiscard]] int64_t LineChars(const hosts::HostRow& row, const ListedLine& line,
                                int64_t description_chars);

// Fills in chars, shown and state. The order of equal uses is not known of any
// host: here the later name goes first.
void CutListing(const hosts::HostRow& row, const ListingLimit& limit,
                std::vector<ListedLine>& lines);

[[nodiscard]] int64_t TotalChars(const std::vector<ListedLine>& lines);

// Least value first, then the longest; what is not listed comes last. The first
// that may be changed is the one to shorten.
void SortByValue(std::vector<ListedLine>& lines);

}  // namespace selftune::status

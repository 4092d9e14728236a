// How a line gets into the spool. Links nothing but the C library: the hook
// program has this file and no database.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace selftune::store {

// One write(2) of this size is not torn apart by other writers.
inline constexpr size_t kMaxSpoolAppend = size_t{64} << 10;

// Appends `line` (without its newline) to <state_dir>/spool/<UTC day>.jsonl,
// making the folders (0700) and the file (0600); a line that is too long for
// one write gets a file of its own, named by `id`. A folder or file with wider
// rights is closed, a link or a pipe in their place refused. Returns 0 or an
// errno; waits for nobody.
//
// Each line is written with a newline before it too: a writer that was killed
// or ran out of disk in the middle of its line spoils no other.
[[nodiscard]] int AppendToSpool(const std::string& state_dir, UtcMillis at, std::string_view id,
                                std::string_view line);

// `{"v":1,"id":..,"kind":..,"at_ms":..,"payload":..}`; `payload` is a JSON object.
[[nodiscard]] std::string SpoolLine(std::string_view id, std::string_view kind, UtcMillis at,
                                    std::string_view payload);

}  // namespace selftune::store

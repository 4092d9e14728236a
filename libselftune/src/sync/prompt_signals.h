// What a prompt says about skills, as signals and labels.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "store/ingest_writer.h"
#include "store/signal_words.h"

namespace selftune::sync {

// Keeps what prompt `seq` says, and the labels that follow from it: a complaint
// is about the prompt before, a request about this one. Where only a hook told
// the prompt, no label is put on one that its source told; and what hooks' own
// order says is forgotten when the source tells the prompt it lies on, so that
// in the end it is as if there had been no hooks. `installed`: names of the
// skills of all hosts. Again for the same prompt changes nothing. `drawn`: where
// to note what was said, nullptr = nowhere.
[[nodiscard]] Status AddPromptSignals(store::IngestWriter& writer, store::SessionPk session,
                                      int32_t seq, std::string_view text,
                                      std::optional<UtcMillis> at,
                                      std::span<const std::string> installed,
                                      store::DrawnWords* drawn = nullptr);

// Draws all of a session once more from what is stored of it, because a prompt
// was taken back or skills were installed. What was said of a skill that is not
// installed any more stays; rows that say the same are not touched. In a WriteTxn.
[[nodiscard]] Status DrawSessionAgain(store::IngestWriter& writer, store::SessionPk session,
                                      std::span<const std::string> installed);

// Prompts "/name ..." of a host that passes them on as text ask for the skill of
// that name, which may be installed only now. In a WriteTxn.
[[nodiscard]] Status AddTypedRequests(store::IngestWriter& writer, store::SessionPk session,
                                      std::span<const std::string> installed);

// A listing came that holds from prompt `seq` on: says anew why skills were
// missed there. In a WriteTxn.
[[nodiscard]] Status ExplainAgain(store::IngestWriter& writer, store::SessionPk session,
                                  int32_t seq);

}  // namespace selftune::sync

// Replaces the content of one file so that its path always holds either the
// old or the new bytes, and nobody else's write is lost.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "deploy/journal.h"

namespace selftune::deploy {

// Name of the temporary file beside a target.
[[nodiscard]] std::string TempPath(const std::string& target_path, std::string_view deploy_id);
// Its name while it is being written. Only our own half-written bytes lie there.
[[nodiscard]] std::string PartPath(const std::string& target_path, std::string_view deploy_id);

// Creates the temporary file with the new bytes, durable, same mode and (where
// allowed) owner as the target. While it is being written it has a name of its
// own: what lies at TempPath is always whole.
[[nodiscard]] Status PrepareTarget(const IntentTarget& target, std::string_view deploy_id,
                                   std::string_view new_bytes);

// Exchanges temporary file and target, then proves that what was displaced are
// the old bytes. FILE_CHANGED when someone wrote in between: their bytes are
// back at the path (or, where they cannot be put back, in a conflict file that
// the message names). The displaced file is still there afterwards: see
// FinishTarget.
[[nodiscard]] Status SwapTarget(const IntentTarget& target, std::string_view deploy_id,
                                std::string_view old_bytes);

// Looks at the displaced file once more after `settle_ms`: an editor that still
// held it open may have written. Then removes it. Returns the path of the
// conflict file that keeps such a late write, "" when there was none.
[[nodiscard]] StatusOr<std::string> FinishTarget(const IntentTarget& target,
                                                 std::string_view deploy_id, int settle_ms);

// Removes the temporary files of a deploy that does not go through. What lies at
// TempPath and is neither the old nor the new bytes is somebody's text and is
// kept in a conflict file, also if it is only a part of them.
[[nodiscard]] Status DropTemp(const IntentTarget& target, std::string_view deploy_id);

// Puts the old bytes back by the same exchange, if the path still holds the
// new; FILE_CHANGED when it does not.
[[nodiscard]] Status RevertTarget(const IntentTarget& target, std::string_view deploy_id,
                                  std::string_view old_bytes);

// The above for one file of a deploy that does not go through, whatever state it
// is in. Conflicted: the file is somebody else's by now and was left to them. An
// error means that it could not be done yet: try again.
[[nodiscard]] StatusOr<Ending> TakeBackTarget(const IntentTarget& target,
                                              std::string_view deploy_id,
                                              std::string_view old_bytes);

enum class Found { kOld, kNew, kOther, kMissing };
// What `path` holds now.
[[nodiscard]] StatusOr<Found> Inspect(const std::string& path, const IntentTarget& target);

}  // namespace selftune::deploy

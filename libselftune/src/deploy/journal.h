// The record of one deploy on disk: what was meant to happen, the old and new
// bytes, and how it ended. It outlives crashes; the store rows are its index.
//
//   <state>/deploy/<deploy_id>/intent.json   what is meant to happen
//                              t<i>.old      bytes before, per target
//                              t<i>.new      bytes after
//                              state.json    how it ended; absent while open
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace selftune::deploy {

enum class Kind { kDeploy, kRollback };
enum class Ending { kDeployed, kAborted, kConflicted };  // from good to bad

[[nodiscard]] std::string_view Word(Kind kind);      // "deploy"
[[nodiscard]] std::string_view Word(Ending ending);  // "deployed"

// One file of an intent. Hashes are 64 hex characters.
struct IntentTarget {
  std::string path;  // real path: links resolved
  uint64_t dev = 0, inode = 0;
  uint32_t mode = 0;  // permission bits
  std::string old_sha256, new_sha256;
  uint64_t old_size = 0, new_size = 0;
  std::string git_head, git_blob;  // "" outside a repository
};

struct Intent {
  std::string deploy_id;
  std::string proposal_id;  // "" = none
  std::string skill;
  Kind kind = Kind::kDeploy;
  std::string undoes;  // deploy_id that a rollback takes back
  UtcMillis created;
  std::vector<IntentTarget> targets;
};

// The folder of one deploy. Every write is durable when it returns.
class Journal {
 public:
  // `state_dir` is our state folder.
  Journal(std::string_view state_dir, std::string_view deploy_id);

  // Writes bytes first, then the intent: an intent on disk is always complete.
  [[nodiscard]] Status Begin(const Intent& intent, const std::vector<std::string>& old_bytes,
                             const std::vector<std::string>& new_bytes) const;
  [[nodiscard]] Status End(Ending ending, std::string_view reason) const;

  [[nodiscard]] StatusOr<Intent> ReadIntent() const;
  // The bytes of one target of `intent`. STORE_CORRUPT when the disk holds others
  // than were written down: a damaged journal never reaches a user's file.
  [[nodiscard]] StatusOr<std::string> OldBytes(const Intent& intent, size_t target) const;
  [[nodiscard]] StatusOr<std::string> NewBytes(const Intent& intent, size_t target) const;
  // nullopt while the deploy is open.
  [[nodiscard]] StatusOr<std::optional<Ending>> ReadEnding() const;
  // A folder without an intent was never begun: nothing was touched. CONFLICTED
  // when it holds anything that is not ours.
  [[nodiscard]] Status Discard() const;
  [[nodiscard]] const std::string& dir() const { return dir_; }

 private:
  [[nodiscard]] StatusOr<std::string> Verified(std::string_view file,
                                               const std::string& sha256) const;
  std::string dir_;
};

// Ids of all journals, oldest first. Folders with other names are not ours.
[[nodiscard]] StatusOr<std::vector<std::string>> ListJournals(std::string_view state_dir);

}  // namespace selftune::deploy

// What the operations of installing share: which hosts, where they are, and the
// world of the installer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/lock_file.h"
#include "capi/context.h"
#include "capi/receipt.h"
#include "hosts/registry.h"
#include "install/installer.h"

namespace selftune::capi {

// A host on this machine.
struct HostHere {
  const hosts::HostRow* row = nullptr;
  const install::Target* target = nullptr;  // nullptr: nothing is installed there
  install::Place place;
  std::string binary;     // on PATH, "" = none
  bool detected = false;  // its folder or its command is here
};

// A config.json that cannot be read: an error, or as if no host had moved.
enum class Broken { kFail, kPassBy };
// Those of `platforms`, or every host; registry order. `shim` for all of them.
[[nodiscard]] StatusOr<std::vector<HostHere>> HostsHere(Context& context,
                                                        const base::JsonValue& platforms,
                                                        const std::string& shim,
                                                        Broken broken = Broken::kFail);

// The program that hooks start: `given`, else found beside this program or on
// PATH. FILE_NOT_FOUND with what to do.
[[nodiscard]] StatusOr<std::string> ShimFor(const Context& context, const std::string& given);

// What --scope project means to every operation that has it: the top of the repository in
// which this is run. NOT_FOUND outside of one, and where that is the person's home; `instead`
// is a command that helps without a project, and takes nothing out.
[[nodiscard]] StatusOr<std::string> ProjectHere(const Context& context, std::string_view instead);
// Into the settings that all who work in `project` share.
void MoveToProject(HostHere& host, const std::string& project);
// Says so when the host has our hooks in two places: events come twice. `planned`: those of
// `host` are there, or will be; `rows`: what is installed.
void WarnOfTwo(Context& context, const HostHere& host, const std::vector<store::InstallRow>& rows,
               bool planned);

// Folders that a host's own variable names and that we do not follow: hooks there
// are not the ones we write.
void WarnOfMovedHomes(Context& context);

// One installer at a time, and what it needs. Nothing is locked or opened for
// writing in a dry run.
class Installing {
 public:
  enum class For { kPutting, kRemoving };
  // Removing makes no store and needs none.
  [[nodiscard]] static StatusOr<Installing> Begin(Context& context, For what);
  [[nodiscard]] install::World& world() { return world_; }

 private:
  std::optional<base::LockFile> lock_;
  install::World world_;
};

// The hosts' results, with the first failure: others are not held up by it.
struct HostsDone {
  std::vector<install::HostResult> hosts;
  std::vector<std::pair<std::string, Status>> failed;  // by platform
};

// {"id","title","action","files":[...],"needs":[...],"error"}
void WriteHostResults(base::JsonWriter& out, const HostsDone& done, bool with_diff);

// Of all files that were written; nothing when none was.
[[nodiscard]] std::optional<Receipt> ReceiptOf(const Context& context, const HostsDone& done,
                                               std::vector<std::string> undo);

// Lines that went and came, those in common left out: for people.
[[nodiscard]] std::string LineDiff(std::string_view before, std::string_view after);

}  // namespace selftune::capi

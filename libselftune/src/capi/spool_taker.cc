#include "capi/spool_taker.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "base/file.h"
#include "store/db.h"

namespace selftune::capi {
namespace {

using std::chrono::milliseconds;
using Woken = base::FolderWatch::Woken;

// Whatever the system tells: a network file system may tell nothing.
constexpr milliseconds kAnyway{10'000};
constexpr milliseconds kUntold{500};  // where changes are not told at all

std::string SpoolOf(const Engine& engine) {
  return base::JoinPath(engine.paths().state_dir, "spool");
}

}  // namespace

SpoolTaker::SpoolTaker(Engine& engine, std::unique_ptr<base::FolderWatch> spool)
    : engine_(engine), spool_(std::move(spool)) {}

StatusOr<std::unique_ptr<base::FolderWatch>> SpoolTaker::Watch(const Engine& engine) {
  return base::FolderWatch::Open(SpoolOf(engine), {});
}

SpoolTaker::~SpoolTaker() {
  spool_->Stop();
  if (thread_.joinable()) thread_.join();
}

void SpoolTaker::Begin() {
  if (engine_.options().read_only) return;
  thread_ = std::thread([this] { Loop(); });
}

void SpoolTaker::Loop() {
  Try(&SpoolTaker::MakeFolder);
  do {
    Try(&SpoolTaker::TakeIn);
  } while (spool_->Wait(spool_->works() ? kAnyway : kUntold) != Woken::kStopped);
}

void SpoolTaker::Try(void (SpoolTaker::*step)()) noexcept {
  try {
    (this->*step)();
  } catch (...) {
    // No memory, also not for a line in the log: the events wait in their
    // folder for the next look.
  }
}

// A folder that is there can be watched before the first hook writes to it.
void SpoolTaker::MakeFolder() {
  if (!base::Exists(engine_.paths().state_dir)) return;
  const Status made = base::MakeDirs(SpoolOf(engine_), 0700);
  if (!made.ok()) engine_.Log(LogLevel::kWarning, "hooks.waiting", Message(made));
}

void SpoolTaker::TakeIn() {
  StatusOr<std::unique_ptr<store::Db>> db = engine_.TakeDb(Engine::Access::kRead);
  if (!db.ok()) return;                          // no store yet: the events wait
  static_cast<void>(engine_.TakeInHooks(**db));  // what fails is logged, and waits
  engine_.ReturnDb(Engine::Access::kRead, *std::move(db));
}

}  // namespace selftune::capi

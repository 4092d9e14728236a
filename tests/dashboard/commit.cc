// Commits to a store as another process would, and says when each commit was
// done: nanoseconds of CLOCK_MONOTONIC, one line each.
//
//   commit STORE COUNT PAUSE_MS
#include <time.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/status_macros.h"
#include "store/db.h"
#include "store/queries/overview.h"
#include "store/write_txn.h"

namespace {

using namespace selftune;

int64_t Now() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

Status Commit(store::Db& db, int number) {
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
  ST_RETURN_IF_ERROR(store::WriteMeta(db, "test_commit", std::to_string(number)));
  db.Touch(store::kTopicEvidence);
  return txn.Commit();
}

Status Run(const char* path, int count, int pause_ms) {
  ST_ASSIGN_OR_RETURN(const auto db, store::Db::Open(path, {.mode = store::OpenMode::kReadWrite}));
  for (int i = 0; i < count; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
    ST_RETURN_IF_ERROR(Commit(*db, i));
    std::printf("%lld\n", static_cast<long long>(Now()));
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  const Status status = Run(argv[1], std::atoi(argv[2]), std::atoi(argv[3]));
  if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(Message(status)).c_str());
  return status.ok() ? 0 : 1;
}

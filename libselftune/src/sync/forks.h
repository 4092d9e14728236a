// Finds sessions that begin with a copy of another one and leaves the copied
// records out, whichever file was read first.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/error.h"
#include "ingest/source.h"
#include "store/db.h"
#include "store/link.h"

namespace selftune::sync {

// A session to be read again without the records that older ones own.
struct ForkRead {
  store::ForkMember member;
  std::shared_ptr<const ingest::KeySet> copied;
  std::string forked_from;  // session with the most shared records
};

// Reads one file again from its start; part of sync.
using RereadFn = std::function<Status(const ForkRead& read)>;

// Settles every group that is not. Returns how many sessions were read again.
[[nodiscard]] StatusOr<int64_t> SettleForks(store::Db& db, const RereadFn& reread);

}  // namespace selftune::sync

#include "sync/forks.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/write_txn.h"

namespace selftune::sync {
namespace {

using store::ForkGroup;
using store::ForkMember;

// An original comes before its copies: what a record says about its origin
// decides, then the time the file itself began, then the id.
void OrderMembers(std::vector<ForkMember>& members) {
  const auto depth = [&](const ForkMember& member) {
    int steps = 0;
    const ForkMember* at = &member;
    while (!at->forked_from.empty() && steps <= static_cast<int>(members.size())) {
      const auto parent = std::find_if(members.begin(), members.end(), [&](const ForkMember& m) {
        return m.session_id == at->forked_from;
      });
      if (parent == members.end()) break;
      at = &*parent;
      ++steps;
    }
    return steps;
  };
  std::vector<std::pair<int, ForkMember>> keyed;
  keyed.reserve(members.size());
  for (const ForkMember& member : members) keyed.emplace_back(depth(member), member);
  std::stable_sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    const int64_t born_a = a.second.born.value_or(UtcMillis{INT64_MAX}).value;
    const int64_t born_b = b.second.born.value_or(UtcMillis{INT64_MAX}).value;
    if (born_a != born_b) return born_a < born_b;
    return a.second.session_id < b.second.session_id;
  });
  for (size_t i = 0; i < members.size(); ++i) members[i] = std::move(keyed[i].second);
}

struct Owner {
  std::string session_id;
  std::vector<uint64_t> keys;
};

// The older session that shares the most records; the newest of equals.
std::string Closest(const std::vector<Owner>& owners, const ingest::KeySet& own) {
  std::string best;
  size_t most = 0;
  for (const Owner& owner : owners) {
    const auto shared = static_cast<size_t>(std::count_if(
        owner.keys.begin(), owner.keys.end(), [&](uint64_t key) { return own.contains(key); }));
    if (shared > 0 && shared >= most) {
      most = shared;
      best = owner.session_id;
    }
  }
  return best;
}

StatusOr<int64_t> SettleGroup(store::Db& db, ForkGroup& group, const RereadFn& reread) {
  OrderMembers(group.members);
  std::vector<Owner> owners;
  auto owned = std::make_shared<ingest::KeySet>();
  int64_t settled = 0;
  for (const ForkMember& member : group.members) {
    ST_ASSIGN_OR_RETURN(std::vector<uint64_t> keys, store::SessionKeys(db, member.session));
    const ingest::KeySet own(keys.begin(), keys.end());
    const std::string origin = Closest(owners, own);
    if (!origin.empty() && member.source) {
      ForkRead read{member, std::make_shared<const ingest::KeySet>(*owned), origin};
      ST_RETURN_IF_ERROR(reread(read));
      ++settled;
      ST_ASSIGN_OR_RETURN(keys, store::SessionKeys(db, member.session));
    }
    owned->insert(keys.begin(), keys.end());
    owners.push_back({member.session_id, std::move(keys)});
  }
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
  for (const ForkMember& member : group.members) {
    ST_RETURN_IF_ERROR(store::MarkSettled(db, member.session));
  }
  ST_RETURN_IF_ERROR(txn.Commit());
  return settled;
}

}  // namespace

StatusOr<int64_t> SettleForks(store::Db& db, const RereadFn& reread) {
  int64_t settled = 0;
  ST_ASSIGN_OR_RETURN(std::vector<ForkGroup> groups, store::UnsettledForks(db));
  for (ForkGroup& group : groups) {
    ST_ASSIGN_OR_RETURN(const int64_t count, SettleGroup(db, group, reread));
    settled += count;
  }
  return settled;
}

}  // namespace selftune::sync

// What a forget is about: read while others write, some at a time.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/forget.h"
#include "store/ids.h"

namespace selftune::store {

struct ChosenPrompt {
  PromptPk prompt;
  SessionPk session;
  std::string platform, session_id, sha256;
  std::string text_key;              // "" when the text is gone already
  std::string text;                  // how it begins
  std::vector<std::string> queries;  // that eval sets may have of it
  int64_t body = 0, raw = 0;
  bool has_time = false;
};

// A use whose words no prompt holds: an import brought it.
struct ChosenUse {
  int64_t pk = 0;
  std::string platform, session_id;
  std::string session_key, text_key;  // of the table `forgotten`
  std::string text;                   // how it begins
  int64_t body = 0;
  bool has_time = false;
};

struct ChosenSession {
  SessionPk pk;
  std::string platform, id;
};

class ForgetChoice {
 public:
  // Both outlive it.
  ForgetChoice(Db& db, const ForgetOptions& options) : db_(db), options_(options) {}

  // First: sessions that are forgotten whole, also without words so far, as they may go on.
  [[nodiscard]] StatusOr<std::vector<ChosenSession>> Sessions();

  template <typename Item>
  struct Batch {
    std::vector<Item> items;
    bool more = false;  // there may be further ones
  };
  [[nodiscard]] StatusOr<Batch<ChosenPrompt>> NextPrompts();
  [[nodiscard]] StatusOr<Batch<ChosenUse>> NextUses();

  // What is chosen outside of a transaction may be another's by the time one is open: a number
  // that went with its row is given to the next one. Inside a WriteTxn: is it still that?
  [[nodiscard]] StatusOr<bool> StillSo(const ChosenPrompt& prompt);
  [[nodiscard]] StatusOr<bool> StillSo(const ChosenUse& use);
  // The number that it has now; 0 = it is gone.
  [[nodiscard]] StatusOr<SessionPk> NumberOf(const ChosenSession& session);
  // From the first one again.
  void Restart();

  // Keys of queries that no session said; with `again`.
  [[nodiscard]] const std::set<std::string>& remembered_queries();

 private:
  template <typename Item>
  [[nodiscard]] StatusOr<Batch<Item>> Next(const char* sql, int64_t& last,
                                           Item (*read)(const Cursor& row));
  [[nodiscard]] StatusOr<std::vector<ChosenSession>> Remembered();
  [[nodiscard]] bool IsRemembered(std::string_view platform, std::string_view session,
                                  std::string_view text_key) const;

  Db& db_;
  const ForgetOptions& options_;
  std::map<std::string, std::set<std::string>> remembered_;  // keys of texts by session's
  int64_t last_ = 0, last_use_ = 0;                          // numbers of the rows handed out last
};

}  // namespace selftune::store

// The prompts of one session: those recorded as prompts, those that only the
// query log has, those that only a signal has.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/import_rows.h"
#include "upstream/engine.h"
#include "upstream/row_text.h"
#include "upstream/session_rows.h"

namespace selftune::upstream {

class SessionPrompts {
 public:
  SessionPrompts(Engine& engine, const store::ImportSession& session, SessionRows& rows)
      : engine_(engine), session_(session), rows_(rows) {}

  // Writes what is new and records what became of the rows of prompts and queries.
  [[nodiscard]] Status Import();

  // By the reference's prompt_id; nullptr when there is none.
  [[nodiscard]] const store::StoredPrompt* ById(const std::string& prompt_id) const;
  // The person's prompt with these words, of several the last before `at`.
  [[nodiscard]] const store::StoredPrompt* ByText(std::string_view text,
                                                  const std::optional<UtcMillis>& at) const;
  // The prompt with these words, made when there is none.
  [[nodiscard]] StatusOr<store::StoredPrompt> Ensure(std::string_view text,
                                                     const std::optional<UtcMillis>& at);
  // Its words; nullopt when there is none. Valid as long as the rows are.
  [[nodiscard]] std::optional<std::string_view> TextOfPrompt(const std::string& prompt_id) const;
  // Prompts of a person.
  [[nodiscard]] size_t people() const;
  // The last of those has this prompt_id.
  [[nodiscard]] bool IsLast(const std::string& prompt_id) const;

 private:
  // A prompt that is to be in the store.
  struct Item {
    const SourceRow* row = nullptr;  // of prompts or queries
    bool from_queries = false;
    TextIn text;
    std::string_view other_kind;  // "" = a person's
    std::optional<int32_t> wanted;
    std::optional<UtcMillis> at;
    std::optional<int32_t> seq;
  };

  [[nodiscard]] Status TakePrompts();
  [[nodiscard]] Status TakeQueries();
  [[nodiscard]] StatusOr<bool> TakeQuery(const SourceRow& row);
  [[nodiscard]] StatusOr<bool> ToldAgain(const SourceRow& row, std::string_view text,
                                         const std::string& name);
  [[nodiscard]] StatusOr<bool> Claim(const SourceRow& row, std::string_view text,
                                     std::set<int64_t>& claimed);
  [[nodiscard]] bool SaysTheSame(const SourceRow& query, std::string_view text,
                                 const std::optional<UtcMillis>& at);
  void Number();
  [[nodiscard]] int32_t PlaceFor(const Item& item) const;
  [[nodiscard]] Status Write();
  [[nodiscard]] StatusOr<store::StoredPrompt> Add(const Item& item);
  void Remember(const store::StoredPrompt& prompt, std::string_view text);

  Engine& engine_;
  const store::ImportSession& session_;
  SessionRows& rows_;
  std::vector<store::StoredPrompt> stored_;
  std::set<int64_t> claimed_prompts_, claimed_queries_;
  std::set<const Item*> claimed_fresh_;  // by a query
  std::vector<Item> fresh_;
  std::map<const SourceRow*, size_t> found_for_;       // queries of prompts in fresh_
  std::map<int32_t, std::optional<UtcMillis>> taken_;  // numbers, with their times
  // Words stand in the maps by their hash, and are held once: in the rows.
  [[nodiscard]] static std::string KeyOf(std::string_view text);
  // Where a record with this name and these words went: to a prompt, or to one of fresh_.
  struct Place {
    int64_t pk = 0;
    size_t fresh = 0;
  };
  std::map<std::pair<std::string, std::string>, Place> told_;
  std::vector<std::pair<const SourceRow*, size_t>> again_;  // of those in fresh_, once more
  std::map<std::string, store::StoredPrompt> by_id_;
  std::map<std::string, TextIn> text_by_id_;
  std::multimap<std::string, store::StoredPrompt> by_text_;
};

}  // namespace selftune::upstream

// The prompts of one session: those recorded as prompts, those that only the
// query log has, those that only a signal has.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/import_rows.h"
#include "upstream/engine.h"
#include "upstream/prompt_index.h"
#include "upstream/row_text.h"
#include "upstream/session_rows.h"

namespace selftune::upstream {

class SessionPrompts {
 public:
  SessionPrompts(Engine& engine, const store::ImportSession& session, const SessionRows& rows)
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
  // Its words; "" when there is none.
  [[nodiscard]] StatusOr<std::string> TextOfPrompt(const std::string& prompt_id);
  [[nodiscard]] bool Says(const std::string& prompt_id, std::string_view text) const;
  // Prompts of a person.
  [[nodiscard]] size_t people() const;
  // The last of those has this prompt_id.
  [[nodiscard]] bool IsLast(const std::string& prompt_id) const;

 private:
  // Words stand here as their hash: those of a session may be more than there is memory.
  using TextKey = std::string;

  // A prompt that is to be in the store.
  struct Item {
    const RowAt* row = nullptr;  // of prompts or queries
    bool from_queries = false;
    TextKey key;
    std::optional<std::string> words;  // as long as they are few
    std::string_view other_kind;       // "" = a person's
    std::optional<int32_t> wanted;
    std::optional<UtcMillis> at;
    std::optional<int32_t> seq;
  };
  // A row of the kind that is taken, and its words.
  struct Told {
    const RowAt& at;
    const SourceRow& row;
    std::string_view text;
    TextKey key;
  };

  [[nodiscard]] Status LoadStored();
  [[nodiscard]] Status TakePrompts();
  [[nodiscard]] Status TakePrompt(const RowAt& at);
  [[nodiscard]] Status TakeQueries();
  [[nodiscard]] StatusOr<std::optional<Item>> TakeQuery(const RowAt& at);
  [[nodiscard]] StatusOr<bool> ToldAgain(const Told& told, const std::string& name);
  [[nodiscard]] StatusOr<bool> Claim(const Told& told, OpenPrompts& open);
  [[nodiscard]] std::optional<size_t> FindStored(const Told& told, const OpenPrompts& open,
                                                 const std::optional<UtcMillis>& at) const;
  [[nodiscard]] StatusOr<bool> SaysTheSame(const Told& query);
  [[nodiscard]] StatusOr<std::optional<size_t>> FindFresh(const Told& query,
                                                          const std::optional<UtcMillis>& at);
  [[nodiscard]] StatusOr<bool> IsPart(const Item& item, std::string_view text);
  void Remember(size_t stored, const TextKey& key);
  void Number();
  [[nodiscard]] int32_t PlaceFor(const Item& item) const;
  [[nodiscard]] Status Write();
  [[nodiscard]] StatusOr<store::StoredPrompt> Write(const Item& item);
  [[nodiscard]] StatusOr<store::StoredPrompt> Add(const Item& item, std::string_view text);

  Engine& engine_;
  const store::ImportSession& session_;
  const SessionRows& rows_;
  std::vector<store::StoredPrompt> stored_;
  std::unordered_map<int64_t, size_t> stored_at_;  // by key
  bool some_erased_ = false;                       // of those stored
  OpenPrompts open_prompts_, open_queries_;        // of stored_: no row of the kind stands for it
  OpenPrompts open_fresh_;                         // of fresh_: no query does
  std::vector<Item> fresh_;
  std::map<const RowAt*, size_t> found_for_;  // queries of prompts in fresh_
  Numbers numbers_;
  [[nodiscard]] static TextKey KeyOf(std::string_view text);
  // Where a record with this name and these words went: to a prompt, or to one of fresh_.
  struct Place {
    int64_t pk = 0;
    size_t fresh = 0;
  };
  std::map<std::pair<std::string, TextKey>, Place> told_;
  std::vector<std::pair<const RowAt*, size_t>> again_;  // of those in fresh_, once more
  struct Named {
    store::StoredPrompt prompt;
    const RowAt* row = nullptr;
    TextKey key;
  };
  std::map<std::string, Named> by_id_;
  SaidPrompts by_text_;   // those of a person that rows stand for
  SaidPrompts by_words_;  // all of stored_ as they were at the start
};

}  // namespace selftune::upstream

#include "stats/near_duplicates.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/string_map.h"
#include "base/text_similarity.h"

namespace selftune::stats {
namespace {

// Words by their rank, the rarest first; sorted, distinct.
using WordSet = std::vector<uint32_t>;

// Jaccard >= 3/5 in integers: 5 * common >= 3 * (a + b - common).
size_t LeastCommon(size_t a, size_t b) { return (3 * (a + b) + 7) / 8; }
// The smallest set that may be alike one of this size, and the share of it that both have.
size_t LeastPartner(size_t size) { return (3 * size + 4) / 5; }

// Union-find; the root is the smallest index of its set.
class Groups {
 public:
  explicit Groups(size_t size) : parent_(size) {
    std::iota(parent_.begin(), parent_.end(), size_t{0});
  }
  size_t Find(size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void Merge(size_t a, size_t b) {
    a = Find(a);
    b = Find(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<size_t> parent_;
};

// Words numbered as they come, and of how many texts each is one.
struct Vocabulary {
  std::vector<WordSet> sets;
  std::vector<uint32_t> texts_with;
};

Vocabulary Read(std::span<const std::string> texts) {
  Vocabulary out;
  base::StringMap<uint32_t> ids;
  for (const std::string& text : texts) {
    WordSet& set = out.sets.emplace_back();
    for (std::string& word : base::WordTokens(text)) {
      const auto next = static_cast<uint32_t>(ids.size());
      set.push_back(ids.try_emplace(std::move(word), next).first->second);
    }
    std::sort(set.begin(), set.end());
    set.erase(std::unique(set.begin(), set.end()), set.end());
    out.texts_with.resize(ids.size());
    for (const uint32_t word : set) ++out.texts_with[word];
  }
  return out;
}

void RankByRarity(Vocabulary& words) {
  std::vector<uint32_t> order(words.texts_with.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return words.texts_with[a] < words.texts_with[b];
  });
  std::vector<uint32_t> rank(order.size());
  for (uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  for (WordSet& set : words.sets) {
    for (uint32_t& word : set) word = rank[word];
    std::sort(set.begin(), set.end());
  }
}

// Two sets with that many words in common have one of them early in both: none of the
// later ones alone is enough. So an index of the beginnings finds all pairs (prefix
// filter), and where in them the common words stand tells how many there can still be.
class Grouping {
 public:
  Grouping(std::span<const std::string> texts, NearDuplicates& out)
      : texts_(texts), groups_(texts.size()), out_(out) {}

  void Run() {
    Vocabulary words = Read(texts_);
    RankByRarity(words);
    begins_.resize(words.texts_with.size());
    sets_ = std::move(words.sets);
    // From small to large: who is in the index is never the larger one.
    std::vector<size_t> order = JoinEqual();
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return sets_[a].size() < sets_[b].size(); });
    may_share_.resize(texts_.size());
    for (const size_t text : order) {
      Look(text);
      Enter(text);
    }
    out_.first.resize(texts_.size());
    for (size_t i = 0; i < texts_.size(); ++i) out_.first[i] = groups_.Find(i);
  }

 private:
  struct Begin {
    size_t text = 0;
    size_t at = 0;  // of the word in the text's set
  };

  // Texts of the same words become one; returns one of each.
  std::vector<size_t> JoinEqual() {
    std::map<WordSet, size_t> by_words;
    base::StringMap<size_t> wordless;
    std::vector<size_t> out;
    for (size_t i = 0; i < sets_.size(); ++i) {
      const bool none = sets_[i].empty();
      const auto [first, is_new] =
          none ? Enter(wordless, texts_[i], i) : Enter(by_words, sets_[i], i);
      if (!is_new) groups_.Merge(first, i);
      if (is_new && !none) out.push_back(i);
    }
    return out;
  }

  template <typename Map, typename Key>
  static std::pair<size_t, bool> Enter(Map& map, const Key& key, size_t i) {
    const auto [at, is_new] = map.try_emplace(key, i);
    return {at->second, is_new};
  }

  // Joins the text with all of the index that are alike.
  void Look(size_t text) {
    const WordSet& set = sets_[text];
    const size_t least = LeastPartner(set.size());
    std::vector<size_t> found;
    for (size_t at = 0; at + least <= set.size(); ++at) {
      for (const Begin& begin : begins_[set[at]]) {
        const WordSet& other = sets_[begin.text];
        ++out_.looked_up;
        if (other.size() < least) continue;
        int32_t& shared = may_share_[begin.text];
        if (shared == 0) found.push_back(begin.text);
        const size_t more = std::min(set.size() - at, other.size() - begin.at);
        const bool enough = shared >= 0 && static_cast<size_t>(shared) + more >=
                                               LeastCommon(set.size(), other.size());
        shared = enough ? shared + 1 : -1;
      }
    }
    for (const size_t other : found) {
      const int32_t shared = may_share_[other];
      may_share_[other] = 0;
      if (shared < 0 || groups_.Find(other) == groups_.Find(text)) continue;
      if (!MayShareEnough(set, sets_[other], static_cast<size_t>(shared))) continue;
      if (Alike(set, sets_[other])) groups_.Merge(other, text);
    }
  }

  // `shared` words are in both beginnings. The one that ends with the rarer word has no other
  // word of the other set, so that all further common ones come behind it.
  static bool MayShareEnough(const WordSet& large, const WordSet& small, size_t shared) {
    const size_t least = LeastPartner(large.size());
    const size_t indexed = LeastCommon(small.size(), small.size());
    const bool large_ends_first = large[large.size() - least] < small[small.size() - indexed];
    const size_t behind = (large_ends_first ? least : indexed) - 1;
    return shared + behind >= LeastCommon(large.size(), small.size());
  }

  // Only larger ones will look for it.
  void Enter(size_t text) {
    const WordSet& set = sets_[text];
    const size_t least = LeastCommon(set.size(), set.size());
    for (size_t at = 0; at + least <= set.size(); ++at) begins_[set[at]].push_back({text, at});
  }

  bool Alike(const WordSet& a, const WordSet& b) {
    ++out_.compared;
    const size_t least = LeastCommon(a.size(), b.size());
    size_t common = 0;
    for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
      if (common + std::min(a.size() - i, b.size() - j) < least) return false;
      const uint32_t left = a[i], right = b[j];
      common += left == right ? 1 : 0;
      i += left <= right ? 1 : 0;
      j += right <= left ? 1 : 0;
    }
    return common >= least;
  }

  std::span<const std::string> texts_;
  Groups groups_;
  NearDuplicates& out_;
  std::vector<WordSet> sets_;
  std::vector<std::vector<Begin>> begins_;  // by word: texts that have it early
  // Of the texts met by the one that looks: words in common so far, -1 = it cannot be alike.
  std::vector<int32_t> may_share_;
};

}  // namespace

NearDuplicates GroupNearDuplicates(std::span<const std::string> texts) {
  NearDuplicates out;
  Grouping(texts, out).Run();
  return out;
}

}  // namespace selftune::stats

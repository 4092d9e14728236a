// Reads, splits into lines and walks every *.jsonl file of trees with simdjson
// On-Demand, touching what a transcript reader touches; counts only. The
// yardstick of a cold sync.
//
//   yard_scan DIR...   prints lines, bad lines and counts
#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include <simdjson.h>

namespace {

using simdjson::ondemand::array;
using simdjson::ondemand::object;
using simdjson::ondemand::value;

struct Counts {
  uint64_t lines = 0, bad = 0, typed = 0, ids = 0, blocks = 0, tools = 0, errors = 0;
};

Counts counts;
simdjson::ondemand::parser parser;
size_t capacity = 4 << 20;  // grows to the longest line
std::unique_ptr<char[]> window(new char[capacity + simdjson::SIMDJSON_PADDING]);

void Text(value v) {
  std::string_view text;
  if (v.get_string().get(text) == simdjson::SUCCESS) ++counts.ids;
}

void Block(object block) {
  ++counts.blocks;
  for (auto field : block) {
    const std::string_view key = field.unescaped_key();
    if (key == "type" || key == "name") {
      Text(field.value());
      counts.tools += key == "name";
    } else if (key == "is_error") {
      bool failed = false;
      if (field.value().get_bool().get(failed) == simdjson::SUCCESS) counts.errors += failed;
    }
  }
}

void Message(object message) {
  for (auto field : message) {
    const std::string_view key = field.unescaped_key();
    if (key == "role" || key == "id") {
      Text(field.value());
    } else if (key == "usage") {
      object usage;
      if (field.value().get_object().get(usage) != simdjson::SUCCESS) continue;
      for (auto part : usage) {
        int64_t number = 0;
        counts.ids += part.value().get_int64().get(number) == simdjson::SUCCESS;
      }
    } else if (key == "content") {
      array content;
      if (field.value().get_array().get(content) != simdjson::SUCCESS) continue;
      for (auto item : content) {
        object block;
        if (item.get_object().get(block) == simdjson::SUCCESS) Block(block);
      }
    }
  }
}

void Line(const char* line, size_t size, size_t room) {
  ++counts.lines;
  simdjson::ondemand::document document;
  try {
    document = parser.iterate(line, size, room);
    object record = document.get_object();
    for (auto field : record) {
      const std::string_view key = field.unescaped_key();
      if (key == "type" || key == "uuid" || key == "timestamp") {
        Text(field.value());
        counts.typed += key == "type";
      } else if (key == "message") {
        object message;
        if (field.value().get_object().get(message) == simdjson::SUCCESS) Message(message);
      }
    }
  } catch (const simdjson::simdjson_error&) {
    ++counts.bad;
  }
}

int File(const char* path) {
  const int fd = open(path, O_RDONLY);
  if (fd < 0) return -1;
  size_t have = 0;
  for (;;) {
    if (have == capacity) {
      std::unique_ptr<char[]> larger(new char[capacity * 2 + simdjson::SIMDJSON_PADDING]);
      std::memcpy(larger.get(), window.get(), have);
      window = std::move(larger);
      capacity *= 2;
    }
    const ssize_t got = read(fd, window.get() + have, capacity - have);
    if (got <= 0) break;  // a last line without a newline is being written
    have += static_cast<size_t>(got);
    const char* at = window.get();
    const char* const end = at + have;
    while (const void* newline = std::memchr(at, '\n', static_cast<size_t>(end - at))) {
      const char* stop = static_cast<const char*>(newline);
      const char* limit = window.get() + capacity + simdjson::SIMDJSON_PADDING;
      Line(at, static_cast<size_t>(stop - at), static_cast<size_t>(limit - at));
      at = stop + 1;
    }
    have = static_cast<size_t>(end - at);
    std::memmove(window.get(), at, have);
  }
  close(fd);
  return 0;
}

int Visit(const char* path, const struct stat*, int kind, struct FTW*) {
  if (kind != FTW_F || !std::string_view(path).ends_with(".jsonl")) return 0;
  return File(path);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (nftw(argv[i], Visit, 64, FTW_PHYS) != 0) {
      std::perror(argv[i]);
      return 1;
    }
  }
  std::printf(
      "%llu lines %llu bad %llu typed %llu texts %llu blocks %llu tools %llu errors\n",
      static_cast<unsigned long long>(counts.lines), static_cast<unsigned long long>(counts.bad),
      static_cast<unsigned long long>(counts.typed), static_cast<unsigned long long>(counts.ids),
      static_cast<unsigned long long>(counts.blocks), static_cast<unsigned long long>(counts.tools),
      static_cast<unsigned long long>(counts.errors));
  return 0;
}

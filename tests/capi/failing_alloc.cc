#include "failing_alloc.h"

#include <sqlite3.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAILING_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FAILING_SANITIZED 1
#endif
#endif

namespace failing {
namespace {

constexpr int64_t kOff = INT64_MAX;

std::atomic<int64_t> fail_at{kOff};
std::atomic<bool> onward{false};
std::atomic<int64_t> count{0};
std::atomic<bool> failed{false};
thread_local int exempt __attribute__((tls_model("initial-exec"))) = 0;

// Whether the allocation that is being asked for shall fail.
bool Fails() {
  const int64_t at = fail_at.load(std::memory_order_relaxed);
  if (at == kOff || exempt != 0) return false;
  const int64_t mine = count.fetch_add(1, std::memory_order_relaxed);
  if (mine != at && (mine < at || !onward.load(std::memory_order_relaxed))) return false;
  failed.store(true, std::memory_order_relaxed);
  return true;
}

}  // namespace

void Arm(int64_t nth, Mode mode) {
  count = 0;
  failed = false;
  onward = mode == Mode::kOnward;
  fail_at = nth;
}

bool Disarm() {
  fail_at = kOff;
  return failed;
}

int64_t Count() { return count; }

Exempt::Exempt() { ++exempt; }
Exempt::~Exempt() { --exempt; }

}  // namespace failing

#ifdef FAILING_SANITIZED

namespace failing {
namespace {

sqlite3_mem_methods real;

void* SqliteMalloc(int size) { return Fails() ? nullptr : real.xMalloc(size); }
void* SqliteRealloc(void* old, int size) { return Fails() ? nullptr : real.xRealloc(old, size); }

void* New(size_t size) {
  if (Fails()) return nullptr;
  return std::malloc(size == 0 ? 1 : size);
}

void* New(size_t size, std::align_val_t alignment) {
  if (Fails()) return nullptr;
  void* out = nullptr;
  return posix_memalign(&out, static_cast<size_t>(alignment), size == 0 ? 1 : size) == 0 ? out
                                                                                         : nullptr;
}

void* OrThrow(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void Install() {
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
  sqlite3_mem_methods methods = real;
  methods.xMalloc = SqliteMalloc;
  methods.xRealloc = SqliteRealloc;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

}  // namespace failing

using failing::New;
using failing::OrThrow;

void* operator new(size_t n) { return OrThrow(New(n)); }
void* operator new[](size_t n) { return OrThrow(New(n)); }
void* operator new(size_t n, const std::nothrow_t&) noexcept { return New(n); }
void* operator new[](size_t n, const std::nothrow_t&) noexcept { return New(n); }
void* operator new(size_t n, std::align_val_t a) { return OrThrow(New(n, a)); }
void* operator new[](size_t n, std::align_val_t a) { return OrThrow(New(n, a)); }
void* operator new(size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return New(n, a);
}
void* operator new[](size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return New(n, a);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
void operator delete[](void* p, size_t) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }

#else

namespace failing {
void Install() {}
}  // namespace failing

// glibc's own, under the names it keeps for programs that replace them.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t n, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* memory);

static void* Out() {
  errno = ENOMEM;
  return nullptr;
}

void* malloc(size_t size) { return failing::Fails() ? Out() : __libc_malloc(size); }
void* calloc(size_t n, size_t size) { return failing::Fails() ? Out() : __libc_calloc(n, size); }
void* realloc(void* old, size_t size) {
  return failing::Fails() ? Out() : __libc_realloc(old, size);
}
void* memalign(size_t alignment, size_t size) {
  return failing::Fails() ? Out() : __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void** out, size_t alignment, size_t size) {
  void* const memory = memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *out = memory;
  return 0;
}
void free(void* memory) { __libc_free(memory); }
}

#endif

// Memory of Arrow arrays.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace selftune::store {

// A growing array of numbers or characters, so aligned (64 bytes) that readers
// need no copy. Unlike std::vector it moves whole blocks and never clears what
// it is about to overwrite. Move-only; throws std::bad_alloc.
template <typename T>
class ArrowBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  ArrowBuffer() = default;
  ArrowBuffer(ArrowBuffer&& other) noexcept
      : block_(std::move(other.block_)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ArrowBuffer& operator=(ArrowBuffer&& other) noexcept {
    block_ = std::move(other.block_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  [[nodiscard]] const T* data() const { return data_; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const T& operator[](size_t i) const { return data_[i]; }
  [[nodiscard]] T& operator[](size_t i) { return data_[i]; }
  [[nodiscard]] T& back() { return data_[size_ - 1]; }

  void Push(T value) {
    if (size_ == capacity_) Grow(size_ + 1);
    data_[size_++] = value;
  }
  void Append(const T* values, size_t n) {
    if (n == 0) return;
    if (size_ + n > capacity_) Grow(size_ + n);
    std::memcpy(data_ + size_, values, n * sizeof(T));
    size_ += n;
  }
  // To `n` elements; new ones are 0.
  void Resize(size_t n) {
    if (n > capacity_) Grow(n);
    if (n > size_) std::memset(data_ + size_, 0, (n - size_) * sizeof(T));
    size_ = n;
  }
  void Reserve(size_t n) {
    if (n > capacity_) SetCapacity(n);
  }
  void Clear() { size_ = 0; }
  // An address even when there is nothing, and not much more memory than needed.
  [[nodiscard]] const T* Settle() {
    if (size_ == 0) {
      Reserve(1);
    } else if (capacity_ > size_ + size_ / 4 + kSmall) {
      SetCapacity(size_);
    }
    return data_;
  }

 private:
  static constexpr size_t kAlignment = 64;
  static constexpr size_t kSmall = kAlignment / sizeof(T);

  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  [[nodiscard]] static size_t ToAligned(const void* memory) {
    return (kAlignment - reinterpret_cast<uintptr_t>(memory) % kAlignment) % kAlignment;
  }
  void Grow(size_t least) { SetCapacity(std::max({least, capacity_ * 2, kSmall})); }
  // realloc() moves large blocks by their pages, without reading them; the
  // alignment is put right afterwards if the new place has another one.
  void SetCapacity(size_t n) {
    const size_t before = block_ != nullptr ? ToAligned(block_.get()) : 0;
    void* moved = std::realloc(block_.get(), n * sizeof(T) + kAlignment);
    if (moved == nullptr) throw std::bad_alloc();
    (void)block_.release();
    block_.reset(moved);
    char* bytes = static_cast<char*>(moved);
    const size_t now = ToAligned(moved);
    if (now != before && size_ > 0) std::memmove(bytes + now, bytes + before, size_ * sizeof(T));
    data_ = reinterpret_cast<T*>(bytes + now);
    capacity_ = n;
  }

  std::unique_ptr<void, Free> block_;
  T* data_ = nullptr;  // aligned, in block_
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace selftune::store

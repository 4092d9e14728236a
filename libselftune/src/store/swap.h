// Putting a whole new file in the place of the store: whoever opens it finds
// the old or the new one, at any moment and after any crash.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/lock_file.h"
#include "store/db.h"

namespace selftune::store {

//   ST_ASSIGN_OR_RETURN(StoreSwap swap, StoreSwap::Begin(path, {}));
//   ... look at swap.old(), make the new file ...
//   ST_RETURN_IF_ERROR(swap.Finish(fresh, aside));
//
// While it lives nobody else writes the old store.
class StoreSwap {
 public:
  struct Options {
    std::chrono::milliseconds wait{5000};
    bool fold_log = true;  // false: nothing is written into the old file
  };
  // STORE_BUSY when somebody writes for longer than `wait`. A store that is
  // broken, or is not there, needs no lock.
  [[nodiscard]] static StatusOr<StoreSwap> Begin(const std::string& store_path, Options options);

  // nullptr when there is none, or none that can be opened.
  [[nodiscard]] Db* old() const { return old_.get(); }

  // `fresh`: a complete store beside the old one, no log beside it. `aside`: a
  // path for the old file and its log; "" = it goes.
  [[nodiscard]] Status Finish(const std::string& fresh, const std::string& aside);

 private:
  StoreSwap(std::string path, base::LockFile lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  [[nodiscard]] Status LockOld(const Options& options);

  std::string path_;
  base::LockFile lock_;
  std::unique_ptr<Db> old_;
};

// The file that a link in the place of the store leads to: its log lies beside
// that one, and the link stays.
[[nodiscard]] std::string ResolveStore(const std::string& store_path);

// A swap that a crash cut short between its two last steps is brought to its
// end. Cheap when there is none. STORE_BUSY while another process is at it.
[[nodiscard]] Status FinishSwap(const std::string& store_path);

// Byte for byte, into a new file, on the disk.
[[nodiscard]] Status CopyBytes(const std::string& from, const std::string& to);

// Before a file is swapped in: WAL mode, but no log beside it, and everything
// on the disk.
[[nodiscard]] Status MakeSingleFile(const std::string& path);
// Removes a store that was not finished, with its log.
[[nodiscard]] Status RemoveStoreFiles(const std::string& path);

}  // namespace selftune::store

// Any bytes can be read as the documents of a session, or of a task, of Cline.
#include "hosts/cline/source.h"
#include "reader_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  static const ingest::SourceFile session{.path = "/s/id/id.messages.json"};
  static const ingest::SourceFile task{.path = "/s/id/api_conversation_history.json"};
  const std::string_view text = fuzz::AsText(data, size);
  fuzz::ReadAnything(hosts::ClineSource(), session, text, /*in_pieces=*/false);
  return fuzz::ReadAnything(hosts::ClineSource(), task, text, /*in_pieces=*/false);
}

// Which project a session file belongs to.
#pragma once

#include <string>
#include <string_view>

namespace selftune::hosts::gemini {

// Absolute path of the project, "" when nothing tells: the file `.project_root`
// beside the folder `chats`, else the entry of `projects.json` whose hash is
// `project_hash`.
[[nodiscard]] std::string ProjectOf(std::string_view session_path, std::string_view project_hash);

// The same as a digest, as far as the folder of the session tells it (SourceFile::beside):
// the host may write it after the session. "" = nothing tells.
[[nodiscard]] std::string ProjectDigest(std::string_view session_path);

// Name of the folder below `chats` in which the file lies: the session that
// started it. "" = it lies in `chats` itself.
[[nodiscard]] std::string ParentOf(std::string_view session_path);

}  // namespace selftune::hosts::gemini

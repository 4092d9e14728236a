// What a server that was built without the page says instead.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "dashboard/assets.h"

namespace selftune::dashboard {

// In place of what tools/embed_assets.py writes.
std::span<const Asset> EmbeddedAssets() { return {}; }
std::string_view EmbeddedBuild() { return ""; }
std::string_view WhyNoPage() { return "npm ci: exit 7 <&>"; }

TEST_SUITE("dashboard/no_page") {
  TEST_CASE("the page says why it is missing and how to get it") {
    const Assets assets("");
    CHECK(!assets.present());
    for (const std::vector<std::string>& address :
         {std::vector<std::string>{}, std::vector<std::string>{"skills", "3"}}) {
      const auto reply = assets.Get({}, address);
      REQUIRE(reply.has_value());
      CHECK(reply->status == 503);
      CHECK(reply->body.find("<p>npm ci: exit 7 &lt;&amp;>. ") != std::string::npos);
      CHECK(reply->body.find("./dev build") != std::string::npos);
      CHECK(reply->body.find("npm ci &amp;&amp; npm run build") != std::string::npos);
    }
    CHECK(!assets.Get({}, {"assets", "x.js"}).has_value());
  }

  TEST_CASE("a folder without a page is named") {
    const auto reply = Assets("/nowhere").Get({}, {});
    REQUIRE(reply.has_value());
    CHECK(reply->status == 503);
    CHECK(reply->body.find("No index.html in /nowhere.") != std::string::npos);
  }
}

}  // namespace selftune::dashboard

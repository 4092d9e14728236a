#include "base/crypto.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/env.h"
#include "base/strings.h"

namespace selftune::base {

TEST_SUITE("base/crypto") {
  TEST_CASE("SHA-256 known answers") {
    struct Case {
      std::string text;
      const char* hex;
    };
    const Case cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {std::string(1'000'000, 'a'),
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
        {std::string(1, '\0'), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text.size());
      CHECK(Sha256Hex(c.text) == c.hex);
      CHECK(Hex(Sha256Bytes(c.text)) == c.hex);
      const Sha256Digest digest = Sha256(c.text);
      CHECK(std::equal(digest.begin(), digest.end(),
                       reinterpret_cast<const unsigned char*>(Sha256Bytes(c.text).data())));
    }
  }

  TEST_CASE("a field hash is the hash of fields between 0x1f") {
    const std::string want = Sha256Bytes(
        "p1\x1f"
        "host\x1f\x1fsession");
    FieldHash hash("p1");
    hash.Add("host").Add("").Add("session");
    CHECK(hash.Key16() == want.substr(0, 16));
    CHECK(hash.Key16() == want.substr(0, 16));  // may be asked again
    uint64_t key = 0;
    for (int i = 0; i < 8; ++i) key = key << 8 | static_cast<unsigned char>(want[i]);
    CHECK(hash.Key8() == key);
    FieldHash pieces("p1");
    pieces.Add("ho").More("st").Add("").More("").Add("").More("session");
    CHECK(pieces.Key16() == hash.Key16());
    FieldHash shifted("p1");
    shifted.Add("hos").Add("t").Add("session");
    CHECK(shifted.Key16() != hash.Key16());
    FieldHash copy = hash;
    CHECK(copy.Add("more").Key16() != hash.Key16());
  }

  TEST_CASE("splitmix64 known answers and even distribution") {
    Rng rng(0);
    CHECK(rng.Next() == 0xe220a8397b1dcdafU);
    CHECK(rng.Next() == 0x6e789e6aa1b965f4U);
    CHECK(rng.Next() == 0x06c45d188009454fU);
    Rng dice(7);
    std::array<int, 6> counts{};
    for (int i = 0; i < 60'000; ++i) ++counts.at(dice.Below(6));
    for (const int count : counts) CHECK(std::abs(count - 10'000) < 500);
    CHECK(dice.Below(1) == 0);
    CHECK(dice.Below(UINT64_MAX) < UINT64_MAX);
  }

  TEST_CASE("random bytes differ") {
    std::array<unsigned char, 32> a{};
    std::array<unsigned char, 32> b{};
    RandomBytes(a.data(), a.size());
    RandomBytes(b.data(), b.size());
    CHECK(a != b);
    RandomBytes(a.data(), 0);
  }

  TEST_CASE("constant-time comparison compares") {
    CHECK(ConstantTimeEqual("", ""));
    CHECK(ConstantTimeEqual("secret", "secret"));
    CHECK(!ConstantTimeEqual("secret", "secreT"));
    CHECK(!ConstantTimeEqual("secret", "secre"));
  }

  TEST_CASE("ULIDs sort by time and never repeat") {
    const std::string early = MakeUlid(UtcMillis{1'469'918'176'385});
    CHECK(early.size() == 26);
    CHECK(early.substr(0, 10) == "01ARYZ6S41");
    CHECK(early.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ") == std::string::npos);
    CHECK(MakeUlid(UtcMillis{1'469'918'176'386}) > early);
    CHECK(MakeUlid(UtcMillis{0}).substr(0, 10) == "0000000000");
    std::vector<std::vector<std::string>> made(4);
    std::vector<std::thread> threads;
    for (auto& ids : made) {
      threads.emplace_back([&ids] {
        for (int i = 0; i < 2000; ++i) ids.push_back(MakeUlid(UtcMillis{5}));
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::set<std::string> all;
    for (const auto& ids : made) all.insert(ids.begin(), ids.end());
    CHECK(all.size() == 8000);
  }
}

TEST_SUITE("base/env") {
  TEST_CASE("empty is unset and the state folder has an order") {
    Environment env;
    CHECK(env.Home().empty());
    env.Set("HOME", "/home/u");
    CHECK(env.StateDir() == "/home/u/.selftune");
    env.Set("SELFTUNE_CONFIG_DIR", "/etc/s");  // of former editions
    CHECK(env.StateDir() == "/home/u/.selftune");
    env.Set("SELFTUNE_HOME", "/srv/s");
    CHECK(env.StateDir() == "/srv/s");
    env.Set("SELFTUNE_HOME", "");
    CHECK(env.StateDir() == "/home/u/.selftune");
    CHECK(!env.Get("SELFTUNE_HOME").has_value());
    CHECK(env.GetOr("NONE", "x") == "x");
    CHECK(env.all().size() == 3);
  }

  TEST_CASE("the process environment is read whole") {
    const Environment env = Environment::FromProcess();
    CHECK(env.Get("SELFTUNE_TESTS").has_value());
  }
}

}  // namespace selftune::base

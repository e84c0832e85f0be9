// The page map against a plain model: tags, live and open bits, and the lookup of any address whatever.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "fuzz/sched_sync.h"
#include "heap/page_map.h"

namespace {

using Map = masu::PageMap<masu::fuzz::PlainSync>;
constexpr size_t kPages = 64;
constexpr uintptr_t kBase = 0x5880'0000'0000;

void require(bool good, const char* rule, uintptr_t at) {
  if (good) return;
  std::fprintf(stderr, "ERROR: MasuSanitizer: page_tags: %s; address %#zx\n", rule, size_t{at});
  std::abort();
}

// The tables are plain memory here.
struct NoOs {
  size_t page_size() const { return masu::kPage; }
  bool commit(void*, size_t) { return true; }
};

struct Model {
  std::map<masu::PageId, masu::Tag> tags;
  std::set<size_t> live;
};

// Lookups, for any address: only what is a block's start on the grid finds a granule.
void look(const Map& map, const Model& model, uintptr_t at) {
  const bool inside = at >= kBase && at - kBase < kPages * masu::kPage;
  require(map.covers(at) == inside, "covers() is wrong", at);
  const size_t granule = map.granule(at);
  const bool found = granule < map.granules();
  require(found == (inside && (at - kBase) % masu::kGranule == 0), "granule() is wrong", at);
  if (!found) return;
  require(granule == (at - kBase) / masu::kGranule, "another address's granule", at);
  const masu::PageId page = Map::page_of_granule(granule);
  require(page == map.page(at) && map.address(page) == at - at % masu::kPage, "another page", at);
  const auto tag = model.tags.find(page);
  require(map.tag(page) == (tag == model.tags.end() ? masu::kTagUnmapped : tag->second), "another tag", at);
  require(map.is_live(granule) == (model.live.count(granule) != 0), "live bit lost or invented", at);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::vector<uint64_t> tables(kPages * Map::kBytesPerPage / sizeof(uint64_t) + 64);
  std::fill(tables.begin(), tables.end(), 0);
  Map map;
  map.place(tables.data(), kBase, kPages);
  NoOs os;
  require(map.commit_pages(os, 0, kPages), "commit_pages() failed", kBase);
  Model model;
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, data, sizeof word);
    const auto page = static_cast<masu::PageId>(word >> 8) % kPages;
    const size_t granule = (word >> 8) % (kPages * masu::kGranulesPerPage);
    switch (word & 7) {
      case 0: {
        const masu::Tag tag = masu::make_tag(static_cast<uint32_t>(word >> 32) % 65536, word >> 56 & 63);
        require(masu::owner_of(tag) == static_cast<uint32_t>(word >> 32) % 65536 && masu::class_of(tag) == (word >> 56 & 63),
                "a tag loses owner or class", page);
        map.set_tag(page, tag);
        model.tags[page] = tag;
        break;
      }
      case 1:
        require(map.set_live(granule) == model.live.insert(granule).second, "set_live() is wrong", granule);
        break;
      case 2:
        require(map.clear_live(granule) == (model.live.erase(granule) == 1), "clear_live() is wrong", granule);
        break;
      case 3:
        map.clear_page(page);
        model.tags[page] = masu::kTagFree;
        for (size_t g = 0; g < masu::kGranulesPerPage; ++g) model.live.erase(page * masu::kGranulesPerPage + g);
        break;
      case 4:
        look(map, model, word >> 3);
        break;
      default:
        look(map, model, kBase + (word >> 3) % ((kPages + 2) * masu::kPage) - masu::kPage);
    }
  }
  return 0;
}

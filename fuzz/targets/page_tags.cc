// The page map against a plain model: tags, live and open bits, and the lookup of any address whatever; with real
// atomics, with plain ones, or as a heap fills it: the first byte says which.
#include "fuzz/one_heap.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "heap/page_map.h"
#include "sync/real_sync.h"

namespace {

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
  bool claim(void*, size_t) { return true; }
  void unmap(void*, size_t) {}
};

struct Model {
  std::map<masu::PageId, masu::Tag> tags;
  std::set<size_t> live, open;
};

// Lookups, for any address: only what is a block's start on the grid finds a granule.
template <class Map>
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
  require(map.is_open(granule) == (model.open.count(granule) != 0), "open bit lost or invented", at);
}

template <class Sync>
void run(const uint8_t* data, size_t size) {
  using Map = masu::PageMap<Sync>;
  static std::vector<uint64_t> tables(Map::table_bytes(kPages, masu::kPage) / sizeof(uint64_t));
  std::fill(tables.begin(), tables.end(), 0);
  Map map;
  map.place(tables.data(), kBase, kPages, masu::kPage);
  NoOs os;
  require(map.commit_pages(os, 0, kPages), "commit_pages() failed", kBase);
  Model model;
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, data, sizeof word);
    const auto page = static_cast<masu::PageId>(word >> 8) % kPages;
    const size_t granule = (word >> 8) % (kPages * masu::kGranulesPerPage);
    const size_t first = page * masu::kGranulesPerPage, last = first + masu::kGranulesPerPage;
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
        require(map.set_live(kBase + granule * masu::kGranule) == model.live.insert(granule).second, "set_live() is wrong", granule);
        break;
      case 2:
        require(map.clear_live(granule) == (model.live.erase(granule) == 1), "clear_live() is wrong", granule);
        break;
      case 3:
        map.clear_page(page);
        model.tags[page] = masu::kTagFree;
        model.live.erase(model.live.lower_bound(first), model.live.lower_bound(last));
        model.open.erase(model.open.lower_bound(first), model.open.lower_bound(last));
        break;
      case 4:
        require(map.take_live(granule) == (model.live.erase(granule) == 1), "take_live() is wrong", granule);
        break;
      case 5:
        map.set_open(granule);
        model.open.insert(granule);
        break;
      case 6:
        require(map.live_in_page(page) == static_cast<size_t>(std::distance(model.live.lower_bound(first), model.live.lower_bound(last))),
                "live_in_page() is wrong", page);
        look(map, model, word >> 3);
        break;
      default:
        look(map, model, kBase + (word >> 3) % ((kPages + 2) * masu::kPage) - masu::kPage);
    }
  }
}

// A heap knows its live blocks at any address whatever, and nothing else.
void look_at_heap(const uint8_t* data, size_t size) {
  auto& heap = masu::fuzz::one_heap();
  std::vector<uintptr_t> blocks;
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, data, sizeof word);
    if (word % 4 == 0 && blocks.size() < 32) {
      blocks.push_back(reinterpret_cast<uintptr_t>(heap.malloc(masu::fuzz::size_of_code(word >> 8 & 127))));
      require(heap.is_live(reinterpret_cast<void*>(blocks.back())), "a new block is not live", blocks.back());
    } else if (word % 4 == 1 && !blocks.empty()) {
      std::swap(blocks[(word >> 8) % blocks.size()], blocks.back());
      heap.free(reinterpret_cast<void*>(blocks.back()));
      require(!heap.is_live(reinterpret_cast<void*>(blocks.back())), "a freed block is live", blocks.back());
      blocks.pop_back();
    } else {
      const uintptr_t near = blocks.empty() ? kBase : blocks[(word >> 8) % blocks.size()];
      const uintptr_t at = word % 4 == 2 ? word >> 3 : near + (word >> 16) % 8192 - 4096;
      const bool is_block = std::find(blocks.begin(), blocks.end(), at) != blocks.end();
      require(heap.is_live(reinterpret_cast<void*>(at)) == is_block, "live where no block is, or the reverse", at);
    }
  }
  for (const uintptr_t block : blocks) heap.free(reinterpret_cast<void*>(block));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  switch (data[0] % 3) {
    case 0:
      run<masu::fuzz::PlainSync>(data + 1, size - 1);
      break;
    case 1:
      run<masu::RealSync>(data + 1, size - 1);
      break;
    default:
      look_at_heap(data + 1, size - 1);
  }
  return 0;
}

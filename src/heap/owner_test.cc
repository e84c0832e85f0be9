#include "heap/owner.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using Lane = test::FaultLane;
using C = Classes<Lane>;

// One owner, driven as the allocator drives it: a block handed out gets its live bit, a freed one loses it.
class OwnerTest : public testing::Test {
 protected:
  OwnerTest() {
    EXPECT_TRUE(core_->arena.init(core_->os, 8 * Arena<Lane>::kSegmentBytes));
    memory_ = core_->os.map(align_up(sizeof(Owner<Lane>), kPage), kPage);
    owner_ = ::new (memory_) Owner<Lane>;
    owner_->init(*core_, 1);
    core_->owners[0] = owner_;
    core_->owner_count = 1;
    EXPECT_TRUE(owner_->try_lease(Owner<Lane>::as_thread()));
  }
  ~OwnerTest() override {
    core_->runs.release_all(*core_, owner_->stats());
    core_->os.unmap(memory_, align_up(sizeof(Owner<Lane>), kPage));
    core_->arena.destroy(core_->os);
    EXPECT_EQ(core_->os.mapped(), 0u);
    EXPECT_TRUE(test::no_faults());
  }
  auto& map() { return core_->arena.map(); }
  uintptr_t take(size_t bytes) {
    const ClassId c = C::of(bytes);
    uintptr_t p = owner_->pop(c);
    if (p == 0) p = owner_->refill(c);
    if (p != 0) {
      EXPECT_TRUE(map().set_live(p)) << "handed out twice";
    }
    return p;
  }
  void give(uintptr_t p) {
    const ClassId c = class_of(map().tag(map().page(p)));
    if (owner_of(map().tag(map().page(p))) == kNobody) return owner_->free_of_nobody(p, c);
    EXPECT_TRUE(map().clear_live(map().granule(p)));
    if (!owner_->push(c, p)) owner_->overflow(c, p);
  }
  // As a remote free does it.
  void send(uintptr_t p) {
    if (!C::is_packed(class_of(map().tag(map().page(p))))) map().clear_live(map().granule(p));
    EXPECT_TRUE(checks_.begin(p));
    checks_.push(owner_->inbox(), p, p);
  }

  std::unique_ptr<Core<Lane>> core_ = std::make_unique<Core<Lane>>();
  const Checks<Lane> checks_{*core_};
  void* memory_ = nullptr;
  Owner<Lane>* owner_ = nullptr;
};

TEST_F(OwnerTest, OneHolder) {
  EXPECT_FALSE(owner_->try_lease(78));
  EXPECT_FALSE(owner_->try_lease(Owner<Lane>::as_thread())) << "not even the same again";
  EXPECT_EQ(owner_->holder(), Owner<Lane>::as_thread());
  owner_->end_lease();
  EXPECT_EQ(owner_->holder(), 0u);
  EXPECT_TRUE(owner_->try_lease(78));
}

TEST_F(OwnerTest, ManyContendersOneWins) {
  owner_->end_lease();
  std::atomic<int> inside{0};
  int guarded = 0;
  std::vector<std::thread> threads;
  for (uint64_t t = 1; t <= 4; ++t) {
    threads.emplace_back([&, t] {
      for (int won = 0; won < 500;) {
        if (!owner_->try_lease(t)) {
          std::this_thread::yield();
          continue;
        }
        EXPECT_EQ(inside.fetch_add(1), 0);
        ++guarded;
        ++won;
        inside.fetch_sub(1);
        owner_->end_lease();
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(guarded, 2000);
}

TEST_F(OwnerTest, EveryBlockOfASlabOnceAndTheLowestFirst) {
  const ClassId c = C::of(512);
  std::set<uintptr_t> seen;
  uintptr_t slab = 0;
  for (unsigned i = 0; i < C::slab_blocks(c); ++i) {
    const uintptr_t p = take(512);
    if (i == 0) slab = p;
    EXPECT_TRUE(seen.insert(p).second);
    EXPECT_EQ(map().address(map().slab_start(map().page(p))), slab);
  }
  EXPECT_EQ(*seen.begin(), slab);
  EXPECT_EQ(*seen.rbegin(), slab + (C::slab_blocks(c) - 1) * 512);
  EXPECT_EQ(owner_->stats().get(Event::kSlabCarve), 1u);
  take(512);
  EXPECT_EQ(owner_->stats().get(Event::kSlabCarve), 2u);
  EXPECT_TRUE(owner_->check());
}

TEST_F(OwnerTest, RandomBlocksReturnToTheirSlabs) {
  test::Random random(12);
  std::set<uintptr_t> live;
  for (int step = 0; step < 30000; ++step) {
    if (live.size() < 3 || random.below(100) < (step / 3000 % 2 == 0 ? 60u : 40u)) {
      const uintptr_t p = take(random.size(C::kMaxSize / 2));
      if (p == 0) {
        owner_->collect();
        continue;
      }
      ASSERT_TRUE(live.insert(p).second);
    } else {
      auto it = live.lower_bound(map().base() + random.below(8 * Arena<Lane>::kSegmentBytes));
      if (it == live.end()) it = live.begin();
      if (random.below(3) == 0) {
        send(*it);
      } else {
        give(*it);
      }
      live.erase(it);
    }
    if (step % 200 == 0) { ASSERT_TRUE(owner_->check()); }
    if (step % 700 == 0) owner_->decay_bins(step % 1400 == 0);
  }
  for (uintptr_t p : live) send(p);
  owner_->collect();
  EXPECT_FALSE(owner_->has_incoming());
  EXPECT_TRUE(owner_->check());
  core_->runs.release_spare(*core_, owner_->stats());
  EXPECT_EQ(core_->runs.segments(), 0u) << "a block holds its slab";
  unsigned waiting = 0;
  owner_->each_waiting([&](uintptr_t) { ++waiting; });
  EXPECT_EQ(waiting, 0u);
}

// The drain takes kDrainStep or until the spill is full, then rests; the next one goes on where it stopped.
TEST_F(OwnerTest, DrainRestsAndGoesOn) {
  std::vector<uintptr_t> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(take(16));
  for (int i = 0; i < 50; ++i) give(blocks[static_cast<size_t>(i)]);  // the bin is full
  for (int i = 50; i < 100; ++i) send(blocks[static_cast<size_t>(i)]);
  unsigned flying = 0;
  owner_->each_in_flight([&](uintptr_t) { ++flying; });
  EXPECT_EQ(flying, 50u);
  unsigned receipts = 0;
  while (owner_->has_incoming()) {
    owner_->receive();
    ASSERT_TRUE(owner_->check());
    ASSERT_LT(++receipts, 200u);
  }
  EXPECT_EQ(owner_->stats().get(Event::kDrain), 1u) << "one exchange takes everything";
  EXPECT_EQ(owner_->stats().get(Event::kDrainEmpty), 0u);
  EXPECT_GE(owner_->stats().get(Event::kSpillFill), 1u);
  EXPECT_GE(owner_->stats().get(Event::kSpillOverflow), 50u / Lane::kDrainStep - 1);
  for (uintptr_t p : blocks) EXPECT_FALSE(map().is_live(map().granule(p)));
}

// A full slab may be given up only while its owner's bin is empty: not when a refill has just filled that from the spill.
TEST_F(OwnerTest, ASlabWithBlocksInTheBinIsNotGivenUp) {
  constexpr size_t kBytes = 64;
  const ClassId c = C::of(kBytes);
  std::vector<uintptr_t> blocks;
  for (unsigned i = 0; i < C::slab_blocks(c); ++i) blocks.push_back(take(kBytes));
  ASSERT_EQ(owner_->holdings().bins, 0u);
  const unsigned room = owner_->bins().limit(c);
  for (unsigned i = 0; i < room + 2; ++i) send(blocks[i]);
  while (owner_->holdings().spill < 2) owner_->receive();
  ASSERT_EQ(owner_->holdings().bins, room);
  for (unsigned i = 0; i < room; ++i) take(kBytes);
  take(kBytes);
  EXPECT_EQ(owner_->holdings().bins, 1u);
  EXPECT_EQ(owner_of(map().tag(map().page(blocks[0]))), owner_->id());
  // The last of them is out; what others freed has shown that the slab may serve them better.
  take(kBytes);
  take(kBytes);
  EXPECT_EQ(owner_of(map().tag(map().page(blocks[0]))), kNobody);
}

// Who frees them takes them over; as long as few but the owner's frees do, they stay.
TEST_F(OwnerTest, FullSlabsBecomeNobodysOnceManyBlocksOfOthersWait) {
  const unsigned some = 4 * C::slab_blocks(C::of(100));
  auto owner_at = [&](uintptr_t p) { return owner_of(map().tag(map().page(p))); };
  std::vector<uintptr_t> blocks;
  for (unsigned i = 0; i < some; ++i) blocks.push_back(take(100));
  for (unsigned chain = 0; chain < 3; ++chain) {
    for (unsigned i = 0; i < Lane::kBacklog; ++i) send(blocks[chain * Lane::kBacklog + i]);
    for (unsigned i = 0; i < some; ++i) blocks.push_back(take(100));
  }
  EXPECT_EQ(owner_->stats().get(Event::kSlabAbandon), 0u);
  for (unsigned i = 0; i <= Lane::kBacklog; ++i) send(blocks[some + i]);
  for (unsigned i = 0; i < some; ++i) take(100);
  EXPECT_GT(owner_->stats().get(Event::kSlabAbandon), 2u);
  EXPECT_EQ(owner_at(blocks[0]), kNobody);
  give(blocks[0]);
  EXPECT_EQ(owner_at(blocks[0]), 1u);
  EXPECT_EQ(owner_->stats().get(Event::kSlabClaim), 1u);
}

// Between free()'s look at the live bit and the claim of the slab its last owner may have drained the block.
TEST_F(OwnerTest, ABlockOfNobodyThatIsNoLongerOutIsNotTaken) {
  const ClassId c = C::of(100);
  const uintptr_t p = take(100);
  for (unsigned i = 1; i < C::slab_blocks(c); ++i) take(100);
  owner_->slabs().abandon(c);
  ASSERT_EQ(owner_of(map().tag(map().page(p))), kNobody);
  map().clear_live(map().granule(p));
  owner_->free_of_nobody(p, c);
  EXPECT_EQ(test::FaultLog::get().take_one(), Fault::kDoubleFree);
  EXPECT_EQ(owner_->pop(c), 0u);
}

TEST_F(OwnerTest, OneEmptiedSlabOfAClassIsKept) {
  const ClassId c = C::of(512);
  std::vector<uintptr_t> blocks;
  for (unsigned i = 0; i < 3 * C::slab_blocks(c); ++i) blocks.push_back(take(512));
  for (uintptr_t p : blocks) {
    owner_->bins().set_limit(*owner_, c, 0);
    give(p);
  }
  EXPECT_EQ(owner_->stats().get(Event::kSlabRelease), 1u) << "one has blocks in the bin";
}

TEST_F(OwnerTest, APrivateHeapKeepsItsSlabs) {
  owner_->become_private();
  const uintptr_t first = take(100);
  for (unsigned i = 0; i < 4 * C::slab_blocks(C::of(100)); ++i) take(100);
  send(first);
  owner_->collect();
  EXPECT_EQ(owner_->stats().get(Event::kSlabAbandon), 0u);
}

TEST_F(OwnerTest, HoldingsCountTheBinsOfAllClasses) {
  size_t blocks = 0;
  for (ClassId c = 0; c < C::kCount; ++c) {
    give(take(C::size(c)));
    blocks += owner_->bins().blocks(*owner_, c);
    EXPECT_EQ(owner_->holdings().bins, blocks) << C::size(c);
  }
}

TEST_F(OwnerTest, TheDrainRefusesWhatIsNotOut) {
  const uintptr_t p = take(100);
  send(p);
  map().clear_live(map().granule(p));  // its owner frees it too
  owner_->receive();
  EXPECT_EQ(test::FaultLog::get().take_one(), Fault::kDoubleFree);
  const uintptr_t q = take(100);
  send(q);
  map().set_tag(map().page(q), kTagFree);
  owner_->receive();
  EXPECT_EQ(test::FaultLog::get().take_one(), Fault::kCorruptLink) << "nothing begins there";
  map().set_tag(map().page(q), make_tag(1, C::of(100)));
}

// A class that was used since the last decay keeps what its bin holds; all others give half back.
TEST_F(OwnerTest, BinsInUseDoNotDecay) {
  const ClassId busy = C::of(64);
  for (ClassId c : {busy, static_cast<ClassId>(busy + 1)}) {
    std::vector<uintptr_t> blocks;
    for (unsigned i = 0; i < 8; ++i) blocks.push_back(take(C::size(c)));
    for (uintptr_t p : blocks) give(p);
  }
  auto held = [&](ClassId c) { return owner_->bins().blocks(*owner_, c); };
  owner_->decay_bins(false);  // both were in use
  const unsigned before = held(busy), beside = held(busy + 1);
  ASSERT_GE(before, 2u);
  ASSERT_GE(beside, 2u);
  std::vector<uintptr_t> blocks;  // until a refill, then the bin is as full as before
  for (const uint64_t refills = owner_->stats().get(Event::kRefill); owner_->stats().get(Event::kRefill) == refills;) blocks.push_back(take(64));
  while (held(busy) < before) {
    give(blocks.back());
    blocks.pop_back();
  }
  owner_->decay_bins(false);
  EXPECT_EQ(held(busy), before);
  EXPECT_EQ(held(busy + 1), beside - beside / 2);
  owner_->decay_bins(true);
  EXPECT_EQ(held(busy), 0u) << "where the thread was idle";
}

TEST_F(OwnerTest, CheckSeesADamagedSlabOfEveryClass) {
  for (ClassId c = 0; C::is_packed(c); ++c) {
    const uintptr_t p = take(C::size(c));
    owner_->collect();
    Slab& slab = map().slab(map().slab_start(map().page(p)));
    ASSERT_TRUE(owner_->check());
    ++slab.open;
    EXPECT_FALSE(owner_->check()) << C::size(c);
    --slab.open;
    give(p);
  }
}

TEST_F(OwnerTest, CheckSeesDamage) {
  std::vector<uintptr_t> blocks;
  for (int i = 0; i < 40; ++i) blocks.push_back(take(1024));
  for (int i = 0; i < 20; ++i) give(blocks[static_cast<size_t>(i * 2)]);
  owner_->collect();
  ASSERT_TRUE(owner_->check());
  const PageId page = map().slab_start(map().page(blocks[0]));
  Slab& slab = map().slab(page);
  ++slab.open;
  EXPECT_FALSE(owner_->check()) << "a count that its bits do not bear out";
  --slab.open;
  const uint64_t word = map().open_words(page)[0];
  map().open_words(page)[0] ^= word & -word;
  EXPECT_FALSE(owner_->check()) << "a lost block";
  map().open_words(page)[0] = word;
  slab.listed = 0;
  EXPECT_FALSE(owner_->check());
  slab.listed = 1;
  EXPECT_TRUE(owner_->check());
}

TEST_F(OwnerTest, CachesAreBoundedByBytes) {
  for (size_t bytes : {16u, 512u, 4096u, 16384u, 65536u}) {
    std::vector<uintptr_t> blocks;
    while (blocks.size() < 200) {
      const uintptr_t p = take(bytes);
      if (p == 0) break;
      blocks.push_back(p);
    }
    for (uintptr_t p : blocks) give(p);
    size_t held = 0;
    owner_->each_waiting([&](uintptr_t p) { held += C::size(class_of(map().tag(map().page(p)))); });
    EXPECT_LE(held, Lane::kCacheBytes + 2 * C::kMaxSize + Lane::kBinBytes) << bytes;
    owner_->collect();
  }
}

}  // namespace
}  // namespace masu

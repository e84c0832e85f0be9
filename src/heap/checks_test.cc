// Each corruption that a checked lane must name is planted, and is named; what is whole passes.
#include "heap/checks.h"

#include <gtest/gtest.h>

#include <string>

#include "heap/test_lanes.h"

namespace masu {
namespace {

template <class Lane>
class ChecksTest : public testing::Test {
 protected:
  using C = Classes<Lane>;
  using OwnerT = Owner<Lane>;
  using Chain = typename RemoteStash<Lane>::Chain;
  static constexpr uint32_t kMine = 1, kTheirs = 2, kOwners = 2;

  ChecksTest() {
    EXPECT_TRUE(core_->arena.init(core_->os, 4 * Arena<Lane>::kSegmentBytes));
    for (uint32_t id : {kMine, kTheirs}) {
      void* memory = core_->os.map(align_up(sizeof(OwnerT), kPage), kPage);
      owners_[id] = ::new (memory) OwnerT;
      owners_[id]->init(*core_, id);
      core_->owners[id - 1] = owners_[id];
      EXPECT_TRUE(owners_[id]->try_lease(OwnerT::as_thread()));
    }
  }
  ~ChecksTest() override {
    core_->runs.release_all(*core_, core_->stats);
    for (uint32_t id : {kMine, kTheirs}) core_->os.unmap(owners_[id], align_up(sizeof(OwnerT), kPage));
    core_->arena.destroy(core_->os);
    EXPECT_TRUE(test::no_faults());
  }

  auto& map() { return core_->arena.map(); }
  OwnerT& mine() { return *owners_[kMine]; }
  OwnerT& theirs() { return *owners_[kTheirs]; }
  uintptr_t take(OwnerT& owner, size_t bytes) {
    const ClassId c = C::of(bytes);
    uintptr_t p = owner.pop(c);
    if (p == 0) p = owner.refill(c);
    EXPECT_NE(p, 0u);
    EXPECT_TRUE(map().set_live(p));
    return p;
  }
  std::vector<uintptr_t> take_many(size_t bytes, int blocks) {
    std::vector<uintptr_t> all;
    while (blocks-- > 0) all.push_back(take(theirs(), bytes));
    return all;
  }
  // Blocks of the other owner, as our stash chains them.
  Chain batch(size_t bytes, const std::vector<uintptr_t>& blocks) {
    Chain chain{};
    chain.owner = kTheirs;
    for (const uintptr_t p : blocks) {
      if (!C::is_packed(C::of(bytes))) map().clear_live(map().granule(p));
      EXPECT_TRUE(checks_.begin(p));
      if (chain.head == 0) {
        chain.tail = p;
      } else {
        core_->links.set(p, chain.head);
      }
      chain.head = p;
      ++chain.blocks;
      chain.bytes += C::size(C::of(bytes));
    }
    return chain;
  }
  Chain batch(size_t bytes) { return batch(bytes, take_many(bytes, 3)); }
  bool whole(const Chain& chain) { return checks_.batch(chain, kMine, kOwners); }
  // The batch arrived in the other owner's inbox; its blocks, newest first.
  std::array<uintptr_t, 3> send(size_t bytes) {
    const Chain chain = batch(bytes);
    EXPECT_TRUE(whole(chain));
    checks_.push(theirs().inbox(), chain.head, chain.tail);
    const uintptr_t second = core_->links.get(chain.head);
    return {chain.head, second, chain.tail};
  }
  // The only fault there was, as kind and detail.
  void expect_fault(Fault fault, const std::string& detail) {
    const auto all = test::FaultLog::get().take();
    ASSERT_EQ(all.size(), 1u) << detail;
    EXPECT_EQ(all[0].fault, fault) << all[0].evidence.detail;
    EXPECT_EQ(all[0].evidence.detail, detail);
    EXPECT_NE(all[0].evidence.address, 0u) << detail;
  }
  void expect_internal(const std::string& detail) { expect_fault(Fault::kInternal, detail); }

  std::unique_ptr<Core<Lane>> core_ = std::make_unique<Core<Lane>>();
  const Checks<Lane> checks_{*core_};
  OwnerT* owners_[kOwners + 1] = {};
};
using CheckedLanes = testing::Types<test::TinyLane, test::FaultLane>;
TYPED_TEST_SUITE(ChecksTest, CheckedLanes);

constexpr size_t kSizes[] = {16, 100, 4096, 20000};

TYPED_TEST(ChecksTest, WhatIsWholePasses) {
  for (size_t bytes : kSizes) {
    for (int round = 0; round < 3; ++round) {
      this->send(bytes);
      this->send(bytes);
      this->theirs().collect();
      EXPECT_TRUE(test::no_faults()) << bytes;
    }
  }
  this->theirs().must_be_whole();
}

TYPED_TEST(ChecksTest, ABatchIsAsToldOrNotPublished) {
  using Batch = typename TestFixture::Chain;
  const auto spoiled = [&](auto&& spoil) {
    Batch chain = this->batch(100);
    spoil(chain);
    EXPECT_FALSE(this->whole(chain));
  };
  spoiled([](Batch& c) { c.owner = 0; });
  this->expect_internal("a batch for an owner that is none");
  spoiled([](Batch& c) { c.owner = 3; });
  this->expect_internal("a batch for an owner that is none");
  spoiled([](Batch& c) { c.owner = 1; });
  this->expect_internal("a batch for the thread's own owner");
  spoiled([](Batch& c) { ++c.blocks; });
  this->expect_internal("a batch's length is not as told");
  spoiled([](Batch& c) { --c.blocks; });
  this->expect_internal("a batch's length is not as told");
  spoiled([](Batch& c) { c.bytes += 16; });
  this->expect_internal("a batch's bytes are not as told");
  spoiled([&](Batch& c) { c.tail = this->core_->links.get(c.head); });
  this->expect_internal("a batch's length is not as told");
  spoiled([&](Batch& c) { c.head = this->take(this->mine(), 100); });  // live, but nobody freed it
  this->expect_internal("a block was pushed to a shared list twice");
  spoiled([](Batch& c) { c.head += 8; });
  this->expect_internal("a batch begins with no block that is out");
}

TYPED_TEST(ChecksTest, ABatchsLinks) {
  using Batch = typename TestFixture::Chain;
  const auto relinked = [&](uintptr_t next) {
    const Batch chain = this->batch(100);
    this->core_->links.set(chain.head, next);
    EXPECT_FALSE(this->whole(chain));
  };
  for (uintptr_t next : {uintptr_t{0}, uintptr_t{0x4141414141414141}, this->map().base() + 8}) {
    relinked(next);
    this->expect_fault(Fault::kCorruptLink, "");
  }
  for (auto* owner : {&this->mine(), &this->theirs()}) {
    relinked(this->take(*owner, 100));  // live, but nobody freed it
    this->expect_internal("a block was pushed to a shared list twice");
  }
}

TYPED_TEST(ChecksTest, ACircleInABatch) {
  const auto chain = this->batch(100);
  this->core_->links.set(this->core_->links.get(chain.head), chain.head);
  EXPECT_FALSE(this->whole(chain));
  this->expect_internal("a block was pushed to a shared list twice");
}

TYPED_TEST(ChecksTest, ASecondPush) {
  for (size_t bytes : kSizes) {
    const auto chain = this->batch(bytes);
    EXPECT_FALSE(this->checks_.begin(chain.head)) << "a second free on its way";
    EXPECT_TRUE(this->whole(chain));
    EXPECT_FALSE(this->whole(chain));
    this->expect_internal("a block was pushed to a shared list twice");
  }
}

TYPED_TEST(ChecksTest, ACircleInAnInbox) {
  for (size_t bytes : kSizes) {
    const auto blocks = this->send(bytes);
    this->checks_.set(blocks[2], blocks[0]);
    this->theirs().receive();
    this->expect_internal("a chain runs in a circle");
  }
}

TYPED_TEST(ChecksTest, AnInboxWithABlockThatNobodySent) {
  for (size_t bytes : kSizes) {
    const uintptr_t p = this->take(this->theirs(), bytes);
    this->theirs().inbox().push(this->core_->links, p, p);
    this->theirs().receive();
    this->expect_internal("a chain holds a block that nobody sent");
  }
}

TYPED_TEST(ChecksTest, ALinkThatChangedOnItsWay) {
  for (size_t bytes : kSizes) {
    const auto blocks = this->send(bytes);
    this->core_->links.set(blocks[0], blocks[2]);  // a block's start, the owner's and out: only the record tells
    this->theirs().receive();
    this->expect_fault(Fault::kCorruptLink, "");
  }
}

// The drain rests when the spill is full; what changes while the others wait is seen too.
TYPED_TEST(ChecksTest, ALinkThatChangedAfterTheDrain) {
  const ClassId c = TestFixture::C::of(100);
  auto& owner = this->theirs();
  const auto blocks = this->take_many(100, 12);
  for (const uintptr_t p : this->take_many(100, 64)) {
    this->map().clear_live(this->map().granule(p));
    if (!owner.push(c, p)) break;
  }
  const auto chain = this->batch(100, blocks);
  ASSERT_TRUE(this->whole(chain));
  this->checks_.push(owner.inbox(), chain.head, chain.tail);
  owner.receive();
  ASSERT_TRUE(owner.has_incoming());
  this->core_->links.set(blocks[1], blocks[2]);
  while (owner.has_incoming()) owner.receive();
  this->expect_fault(Fault::kCorruptLink, "");
}

TYPED_TEST(ChecksTest, AForeignBlockInACache) {
  for (size_t bytes : kSizes) {
    const ClassId c = TestFixture::C::of(bytes);
    const uintptr_t foreign = this->take(this->theirs(), bytes);
    this->map().clear_live(this->map().granule(foreign));
    this->mine().collect();
    this->mine().bins().set_limit(this->mine(), c, 1);
    ASSERT_TRUE(this->mine().push(c, foreign));
    this->mine().must_be_whole();
    this->expect_internal("a cache holds what is not its owner's");
    this->mine().flush(c, 0);
    this->expect_internal("a cache holds what is not its owner's");
  }
}

TYPED_TEST(ChecksTest, ALiveOrInnerBlockInACache) {
  const ClassId c = TestFixture::C::of(100);
  const uintptr_t live = this->take(this->mine(), 100);
  this->mine().collect();
  ASSERT_TRUE(this->mine().push(c, live));
  this->mine().flush(c, 0);
  this->expect_internal("a cache holds a live block");
  ASSERT_TRUE(this->mine().push(c, live + 16));
  this->mine().flush(c, 0);
  this->expect_internal("a cache holds what is no block's start");
}

TYPED_TEST(ChecksTest, WithoutTheLease) {
  auto& owner = this->mine();
  const uintptr_t p = this->take(owner, 100);
  this->map().clear_live(this->map().granule(p));
  const ClassId c = TestFixture::C::of(100);
  const auto all_refused = [&] {
    owner.receive();
    this->expect_internal("a drain without the owner's lease");
    owner.collect();
    this->expect_internal("a collect without the owner's lease");
    owner.decay_bins(false);
    this->expect_internal("a decay without the owner's lease");
    owner.overflow(c, owner.refill(c));
    auto faults = test::FaultLog::get().take();
    ASSERT_EQ(faults.size(), 2u);
    EXPECT_STREQ(faults[0].evidence.detail, "a refill without the owner's lease");
    EXPECT_STREQ(faults[1].evidence.detail, "a flush without the owner's lease");
  };
  std::thread(all_refused).join();  // another thread's lease
  owner.end_lease();
  all_refused();                    // nobody's
  ASSERT_TRUE(owner.try_lease(TestFixture::OwnerT::as_collector()));
  std::thread(all_refused).join();  // another collector's
  owner.collect();
  owner.become_private();
  std::thread([&] { owner.collect(); }).join();
  EXPECT_TRUE(test::no_faults());
  owner.is_private = false;
  owner.end_lease();
  ASSERT_TRUE(owner.try_lease(TestFixture::OwnerT::as_thread()));
}

}  // namespace
}  // namespace masu

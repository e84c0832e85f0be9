//! kind: heap-use-after-free
//! access: read 8
//! position: 8 bytes into a 16-byte block
//! allocated: main
//! freed: destroy main
//! faulted: misuse main
//! found: guard
//! options: guard=all
#include "../faulty.h"

struct Shape {
  virtual long area() { return 4; }
  virtual ~Shape() {}
  long side = 2;
};

static volatile long seen;

static void destroy(Shape* shape) { delete shape; }

static void misuse(Shape* shape) { seen = shape->side; }

int main() {
  Shape* shape = new Shape;
  if (FAULTY) destroy(shape);
  misuse(shape);
  if (!FAULTY) destroy(shape);
  return 0;
}

#!/bin/bash
# java: the JVM compiles and runs one source file: JIT threads, garbage collector, direct buffers and zlib all use malloc.
. "$(dirname "$0")/lib.sh"
need openjdk-17-jdk-headless
took_over /usr/bin/java -version

cat >"$tmp/Work.java" <<'JAVA'
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.*;
import java.util.stream.*;
import java.util.zip.*;

public class Work {
  static String work(int seed) {
    try {
      Random random = new Random(seed);
      Map<Integer, ByteBuffer> live = new TreeMap<>();
      for (int i = 0; i < 4000; i++) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 + random.nextInt(8000));
        while (buffer.hasRemaining()) buffer.put((byte) i);
        live.put(random.nextInt(500), buffer.flip());
      }
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (ByteBuffer buffer : live.values()) {
        Deflater deflater = new Deflater();
        Inflater inflater = new Inflater();
        ByteBuffer packed = ByteBuffer.allocateDirect(9000), plain = ByteBuffer.allocateDirect(9000);
        deflater.setInput(buffer.duplicate());
        deflater.finish();
        deflater.deflate(packed);
        inflater.setInput(packed.flip());
        inflater.inflate(plain);
        if (!plain.flip().equals(buffer)) throw new IllegalStateException("zlib");
        digest.update(plain);
        deflater.end();
        inflater.end();
      }
      return seed + " " + HexFormat.of().formatHex(digest.digest());
    } catch (Exception e) {
      throw new RuntimeException(e);
    }
  }
  public static void main(String[] args) throws Exception {
    System.out.println(IntStream.range(0, 24).parallel().mapToObj(Work::work).collect(Collectors.joining("\n")));
    List<Thread> threads = new ArrayList<>();
    Set<String> results = Collections.synchronizedSet(new TreeSet<>());
    for (int i = 100; i < 140; i++) { final int seed = i; threads.add(new Thread(() -> results.add(work(seed)))); }
    for (Thread t : threads) t.start();
    for (Thread t : threads) t.join();
    System.out.println(results);
  }
}
JAVA
work() {
  run /usr/bin/java -Xmx512m "$tmp/Work.java"
  run /usr/bin/java -Xmx512m -XX:+UseSerialGC -Xint -version 2>&1 | head -1
}
compare work

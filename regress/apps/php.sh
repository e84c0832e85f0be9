#!/bin/bash
# php-cli: arrays, strings, regular expressions, sorting; once with its own allocator, once with malloc for everything.
. "$(dirname "$0")/lib.sh"
need php-cli
took_over /usr/bin/php -n -r 'echo 1;'

cat >"$tmp/work.php" <<'PHP'
<?php
function work(int $seed): void {
    mt_srand($seed);
    $live = [];
    for ($i = 0; $i < 60000; $i++) {
        $live[mt_rand(0, 4000)] = ['id' => $i, 'text' => str_repeat(chr(97 + $i % 26), mt_rand(0, 900)), 'sub' => range(0, $i % 20)];
    }
    ksort($live);
    $text = serialize($live);
    if (unserialize($text) !== $live) exit(1);
    echo hash('sha256', $text), ' ', strlen($text), ' ', preg_match_all('/a{200,}/', $text), "\n";
    $json = json_encode($live);
    if (json_decode($json, true) != $live) exit(2);
    echo hash('sha256', $json), "\n";
    usort($live, fn($a, $b) => [strlen($a['text']), $a['id']] <=> [strlen($b['text']), $b['id']]);
    echo $live[100]['id'], ' ', $live[3000]['id'], "\n";
    $parts = [];
    for ($i = 0; $i < 200000; $i++) $parts[] = dechex($i * 7919);
    echo hash('md5', implode('-', array_reverse($parts))), "\n";
}
for ($seed = 1; $seed <= 4; $seed++) work($seed);
PHP
own() { run /usr/bin/php -n -d memory_limit=1G "$tmp/work.php"; }
malloc_only() { run env USE_ZEND_ALLOC=0 /usr/bin/php -n -d memory_limit=-1 "$tmp/work.php"; }
compare own
compare malloc_only

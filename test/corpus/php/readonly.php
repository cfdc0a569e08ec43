<?php
final readonly class P
{
    public function __construct(public int $x = 1) {}
}
echo (new P())->x;

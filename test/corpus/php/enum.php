<?php
enum Status: string
{
    case Open = "open";
    public function label(): string { return ucfirst($this->value); }
}
echo Status::Open->label();

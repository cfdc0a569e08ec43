<?php
(static function (): void {
    echo "iife";
})();
